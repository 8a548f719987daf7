"""A minimal platform: the loader of plugins of the LMS and of Studio, and no more."""
