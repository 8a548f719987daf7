"""Names of other packages that run on Trackside."""
