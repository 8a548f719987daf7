"""Calls that go straight to Segment, with the context of the request they are made in.

For what is Segment's alone; what others want to know as well is emitted, and gets there by a backend.
"""

import os
from collections.abc import Mapping
from typing import Any

from trackside.backends.exits import call_at_exit, watch_exits
from trackside.backends.segment import SegmentBackend, analytics
from trackside.django.settings import current
from trackside.django.tracker import default_tracker
from trackside.emitted import Unencodable, plain
from trackside.segment_mapping import segment_context
from trackside.telemetry import catalogue


def track(
    user_id: Any,
    event_name: str | None,
    properties: Mapping[str, Any] | None = None,
    context: Mapping[str, Any] | None = None,
    traits: Mapping[str, Any] | None = None,
) -> None:
    """Tell Segment that a user did something; nothing happens without a name or without a write key.

    What `context` (Segment's own names) does not say is taken from the tracker's contexts; `traits` go into it.
    Never raises: what the library refuses is counted under `trackside_backend_dropped_total`.
    """
    if event_name is None:
        return
    around = _completed(context)
    if traits:
        around.setdefault("traits", dict(traits))
    _call("track", user_id, event_name, dict(properties or {}), around)


def identify(
    user_id: Any, properties: Mapping[str, Any] | None = None, context: Mapping[str, Any] | None = None
) -> None:
    """Tell Segment who a user is; nothing happens without a write key. Never raises, as `track`."""
    _call("identify", user_id, dict(properties or {}), _completed(context))


def _completed(context: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a copy of Segment's context with what the tracker knows besides."""
    tracker = default_tracker()
    known = segment_context(tracker.resolve_context()) if tracker else {}
    made = dict(context or {})
    for key, value in known.items():
        given = made.setdefault(key, value)
        if isinstance(given, Mapping) and isinstance(value, Mapping):
            made[key] = {**value, **given}
    return made


def _call(method: str, user_id: Any, *arguments: Any) -> None:
    write_key = current().segment.write_key
    if not write_key or analytics is None:
        return
    try:
        if not analytics.write_key:
            analytics.write_key = write_key
        # positional: both generations of the library take them in this order
        getattr(analytics, method)(user_id, *(plain(argument) for argument in arguments))
        _ENDING.prepare()
    except (Unencodable, RecursionError):
        catalogue.BACKEND_DROPPED.add(1, "segment", "unencodable")
    except Exception:  # noqa: BLE001  # the border: the library asserts, and raises for sizes
        catalogue.BACKEND_DROPPED.add(1, "segment", "refused")


class _Ending:
    """Sends at the end of each process what the library still holds."""

    def __init__(self) -> None:
        self._backend = SegmentBackend()
        self._prepared_in = 0

    def prepare(self) -> None:
        if self._prepared_in != os.getpid():
            self._prepared_in = os.getpid()
            call_at_exit(self.finish)
            watch_exits()

    def finish(self) -> None:
        if self._prepared_in == os.getpid():
            self._backend.flush()


_ENDING = _Ending()
