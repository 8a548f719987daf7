"""The tracker before `emit`: `send(event)` hands a finished event to every backend of TRACKING_BACKENDS.

The setting is a dict, name → {"ENGINE": dotted class, "OPTIONS": its keyword arguments}; a name whose value is
empty is switched off. New code emits.
"""

import logging
import warnings
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from trackside.django.engines import engine
from trackside.django.legacy_tracker.base import BaseBackend
from trackside.telemetry import catalogue

_LOG = logging.getLogger("trackside.django")  # `logger` is a module here

backends: dict[str, BaseBackend] = {}
"""The backends by name; read from the settings when this module is imported."""


def backends_from_settings() -> dict[str, BaseBackend]:
    """Return the backends of TRACKING_BACKENDS. Raises ValueError where one is no BaseBackend."""
    configured: Mapping[str, Any] = getattr(settings, "TRACKING_BACKENDS", {})
    return {name: _backend(about) for name, about in configured.items() if about}


def reload_backends() -> dict[str, BaseBackend]:
    """Read the setting again, and return the backends that are now in place."""
    made = backends_from_settings()
    backends.clear()
    backends.update(made)
    return backends


def send(event: Any) -> None:
    """Hand `event` to every backend. What one raises is counted and logged, and the others get the event."""
    warnings.warn(
        "trackside.django.legacy_tracker.send is deprecated; use trackside.tracker.emit",
        DeprecationWarning,
        stacklevel=2,
    )
    hand_over(event)


def hand_over(event: Any) -> bool:
    """Do as `send`, for code of our own; return False where there are backends and all have failed."""
    failures = 0
    for name, backend in backends.items():
        try:
            backend.send(event)
        except Exception as error:  # noqa: BLE001  # the border: a backend's fault stays its own
            failures += 1
            catalogue.LEGACY_BACKEND_FAILURES.add(1, name)
            _LOG.error("A legacy backend failed", extra={"backend": name, "error": type(error).__name__})
    return not backends or failures < len(backends)


def _backend(about: Mapping[str, Any]) -> BaseBackend:
    path = about["ENGINE"]
    try:
        kind = engine(path)
    except ValueError as error:
        raise ValueError(f"Cannot find event track backend {path}") from error
    if not (isinstance(kind, type) and issubclass(kind, BaseBackend)):
        raise ValueError(f"Cannot find event track backend {path}")  # noqa: TRY004  # documented so
    return kind(**about.get("OPTIONS", {}))


reload_backends()
