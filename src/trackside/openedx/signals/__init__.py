"""Signals of Open edX become events: every public one, whatever the release has."""

from trackside.openedx.signals.follow import follow_signals, unfollow_signals

__all__ = ["follow_signals", "unfollow_signals"]
