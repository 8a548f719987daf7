"""Parts of filters: an argument, or a few, each kind in its file."""
