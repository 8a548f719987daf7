"""What the operator's `tracking` means for the settings of the platform."""

from collections.abc import Mapping
from typing import Any

from trackside.openedx.settings.merging import COMPAT_APP, LOG_BACKEND

BACKEND = "trackside.openedx.tracking.TrackingBackend"
MIDDLEWARE = "trackside.openedx.middleware.TrackingViewsMiddleware"
NAME = "_trackside"
"""Of our backend: before all others, some of which change the event for those after them."""


def add_tracking(settings: Any) -> None:
    """Add the backend and the middleware that `TRACKSIDE["tracking"]` asks for. May run any number of times."""
    table = getattr(settings, "TRACKSIDE", {})
    said = table.get("tracking") if isinstance(table, Mapping) else None
    if not isinstance(said, Mapping):
        return
    if said.get("backend") is True:
        _add_backend(settings, table)
    if "trackside" in (said.get("event"), said.get("segmentio")):
        _add_middleware(settings)


def _add_backend(settings: Any, table: Mapping[str, Any]) -> None:
    backends = getattr(settings, "EVENT_TRACKING_BACKENDS", None)
    if not isinstance(backends, dict):
        settings.EVENT_TRACKING_BACKENDS = backends = {}
    if COMPAT_APP not in getattr(settings, "INSTALLED_APPS", ()):
        backends.setdefault(NAME, {"ENGINE": BACKEND, "OPTIONS": {}})
    elif "backends" not in table:
        # the platform's tracker is ours: this tree is all that it has
        options = {"data_dir": table.get("data_dir"), "settings": table.get("log")}
        backends.setdefault(NAME, {"ENGINE": LOG_BACKEND, "OPTIONS": options})


def _add_middleware(settings: Any) -> None:
    present = getattr(settings, "MIDDLEWARE", None)
    if MIDDLEWARE in (present or ()):
        return
    if isinstance(present, list):
        present.append(MIDDLEWARE)
    else:
        settings.MIDDLEWARE = (*(present or ()), MIDDLEWARE)
