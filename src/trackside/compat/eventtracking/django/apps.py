"""Where Django looks for the configuration of the app `eventtracking.django`."""

from trackside.django.eventtracking_app import EventTrackingConfig

__all__ = ["EventTrackingConfig"]
