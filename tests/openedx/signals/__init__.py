"""Signals as events."""
