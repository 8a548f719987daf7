"""The Django app: what Trackside adds to a Django project."""
