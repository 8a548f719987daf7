"""The plugin for Open edX: what the LMS and Studio signal becomes events. Found by its entry points, in both."""
