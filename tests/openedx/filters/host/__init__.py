"""Tables and templates like those of the platform, and what is run on them."""
