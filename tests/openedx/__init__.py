"""The plugin for Open edX."""
