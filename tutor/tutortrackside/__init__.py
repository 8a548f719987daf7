"""Trackside beside an Open edX platform that Tutor runs."""

__version__ = "0.1.0.dev0"
"""Also the version of Trackside that is installed, where the settings name no other."""
