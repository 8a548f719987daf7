"""A user who leaves for good."""
