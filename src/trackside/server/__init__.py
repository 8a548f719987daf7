"""The server: the collector in front of a Django project, in one process or several."""
