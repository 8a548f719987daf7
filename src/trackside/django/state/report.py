"""The state of this process's trackers, gathered without sending anything."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.db import DatabaseError, connections
from msgspec import Struct

from trackside.django.outbox import settings as outbox_settings
from trackside.django.outbox.status import OutboxStatus, outbox_status
from trackside.django.tracker import log_backends
from trackside.errors import TracksideError
from trackside.event import Event
from trackside.telemetry import catalogue
from trackside.tracker import TRACKERS

SHOWN_EVENTS = 50
_EXCERPT_CHARS = 200
_COUNTERS = (
    catalogue.EMITTED,
    catalogue.EMITTED_DROPPED,
    catalogue.SIGNALS_IGNORED,
    catalogue.TRACKER_BACKEND_FAILURES,
    catalogue.TRACKER_PROCESSOR_FAILURES,
    catalogue.BACKEND_DROPPED,
    catalogue.BACKEND_DELAYS,
    catalogue.BACKEND_WAITING_BYTES,
    catalogue.BROWSER_EVENTS_REFUSED,
    catalogue.REQUESTS,
    catalogue.REQUESTS_SHED,
    catalogue.EVENTS_REJECTED,
    catalogue.EVENTS_IGNORED,
    catalogue.EVENTS_DUPLICATES,
    catalogue.LEGACY_BACKEND_FAILURES,
)


class Part(Struct, frozen=True, kw_only=True):
    """A tracker, a backend or a processor, where it stands in the tree."""

    depth: int
    role: str
    name: str
    kind: str


class Count(Struct, frozen=True, kw_only=True):
    """One number of this process."""

    name: str
    labels: str
    value: float
    sentence: str


class ShownEvent(Struct, frozen=True, kw_only=True):
    """An event of the log, as far as a list shows it."""

    position: int
    timestamp: datetime
    name: str
    user_id: str
    data: str


class StateReport(Struct, frozen=True, kw_only=True):
    """All that the page shows."""

    parts: list[Part]
    counts: list[Count]
    outbox: OutboxStatus | None
    """None where its tables cannot be read."""
    events: list[ShownEvent]
    """The newest first; empty where no backend of the default tracker keeps a log here."""
    log_problem: str
    """Why the log cannot be read, or ""."""


def state_report() -> StateReport:
    """Return the state of now. A log that is not open yet is opened for it."""
    events, problem = _newest_events()
    return StateReport(
        parts=[part for name, tracker in TRACKERS.items() for part in _tree(name, tracker)],
        counts=list(_counts()),
        outbox=_outbox(),
        events=events,
        log_problem=problem,
    )


def _tree(name: str, tracker: Any) -> Iterator[Part]:
    yield Part(depth=0, role="tracker", name=name, kind=_kind(tracker))
    yield from _branches(tracker, 1)


def _branches(router: Any, depth: int) -> Iterator[Part]:
    for processor in getattr(router, "processors", ()):
        yield Part(depth=depth, role="processor", name="", kind=_kind(processor))
    backends = getattr(router, "backends", {})
    for name, backend in backends.items() if isinstance(backends, Mapping) else ():
        yield Part(depth=depth, role="backend", name=str(name), kind=_kind(backend))
        yield from _branches(backend, depth + 1)


def _kind(part: object) -> str:
    kind = part if isinstance(part, type) or hasattr(part, "__qualname__") else type(part)
    return f"{kind.__module__}.{getattr(kind, '__qualname__', '')}"


def _counts() -> Iterator[Count]:
    for metric in _COUNTERS:
        for labels, value in sorted(metric.values().items()):
            told = ", ".join(map("{} {}".format, metric.labels, labels))
            yield Count(name=metric.name, labels=told, value=value, sentence=metric.sentence)


def _outbox() -> OutboxStatus | None:
    try:
        return outbox_status(connections[outbox_settings.current().database])
    except DatabaseError:
        return None


def _newest_events() -> tuple[list[ShownEvent], str]:
    backend = next(log_backends(), None)
    if backend is None:
        return [], ""
    try:
        log = backend.log
        page = log.read(max(0, log.bounds().last - SHOWN_EVENTS), limit=SHOWN_EVENTS)
    except (TracksideError, OSError) as error:
        return [], str(error)
    rows = list(zip(page.positions, page.events, strict=True))[-SHOWN_EVENTS:]
    return [_shown(position, event) for position, event in reversed(rows)], ""


def _shown(position: int, event: Event) -> ShownEvent:
    data = bytes(event.data).decode("utf-8", "replace")
    return ShownEvent(
        position=position,
        timestamp=event.timestamp,
        name=event.name,
        user_id=event.user_id or "",
        data=data if len(data) <= _EXCERPT_CHARS else data[: _EXCERPT_CHARS - 1] + "…",
    )
