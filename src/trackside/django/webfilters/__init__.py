"""Webfilters in a Django project.

settings      whom the project's filter points ask, as the Django settings say
installing    asking them, from the start of a process on
transactions  whether a question holds up a transaction
"""
