"""Filters of Open edX."""
