"""Webfilters in a Django project.

transactions  whether a question holds up a transaction
"""
