"""The platform's own tracker, that of `event-tracking`: it hands events to us, and our views emit to it."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from trackside.django.settings import current
from trackside.django.tracker import default_tracker, set_view_tracker
from trackside.tracker import Tracker

SIGNAL = "org.openedx.analytics.tracking.event.emitted.v1"
"""The type of the signal that tells what the platform's tracker emits."""
_TRACKER_MODULE = "eventtracking.tracker"


class TrackingBackend:
    """One of the platform's backends: gives the default tracker's backends what the platform's tracker emits.

    The event has its name, time, data and context from there; the processors of `TRACKSIDE` run over it. It never
    changes the event that the other backends of the platform get, and nothing that goes wrong here is raised there.
    """

    mutates = False

    def send(self, event: Mapping[str, Any]) -> None:
        """Hand an event over. Never raises, and waits for no network."""
        tracker = default_tracker()
        if tracker is not None and tracker is not platform_tracker():
            tracker.emit_event({**event})


def platform_tracker() -> Tracker | None:
    """Return the platform's tracker, which has the names and calls of ours; None where it has none."""
    try:
        found: Tracker = import_module(_TRACKER_MODULE).get_tracker()
    except (ImportError, KeyError):
        return None
    return found


def follow_tracking() -> None:
    """Let views that take the platform's place emit to the platform's tracker: its backends get all as before."""
    set_view_tracker(platform_tracker if views_taken() else None)


def views_taken() -> dict[str, str]:
    """Return the paths that our views answer in the platform's place, each with the view's name."""
    tracking = current().tracking
    told = {"event": ("/event", tracking.event), "segmentio": ("/segmentio/event", tracking.segmentio)}
    return {path: name for name, (path, who) in told.items() if who == "trackside"}
