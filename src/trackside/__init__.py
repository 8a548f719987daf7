"""Trackside: server-side event tracking, routing and hooks for Django sites and Open edX platforms."""

__version__ = "0.1.0.dev0"
