"""The app `eventtracking.django`, for sites whose INSTALLED_APPS name it."""

import contextlib
from importlib import import_module

from django.apps import AppConfig, apps

from trackside.django.tracker import override_default_tracker

HANDLERS = "eventtracking.handlers"
"""Takes events in from the event bus, once it is imported."""


class EventTrackingConfig(AppConfig):
    """Registers the default tracker where EVENT_TRACKING_ENABLED is true, as `eventtracking` does."""

    name = "eventtracking.django"
    label = "eventtracking_django"

    def ready(self) -> None:
        """Make `emit` work, and listen to the event bus where `openedx_events` is installed."""
        if not apps.is_installed("trackside.django"):  # which reads the same settings, and more
            override_default_tracker()
        with contextlib.suppress(ImportError):
            import_module(HANDLERS)
