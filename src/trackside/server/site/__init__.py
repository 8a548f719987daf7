"""The Django project of the server: console and admin."""
