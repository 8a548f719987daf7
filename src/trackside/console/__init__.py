"""The console: pages for people who run the server."""
