"""What a test sees of emitted events: an outbox, as `django.core.mail.outbox` is one for mail.

    from trackside.testing import assert_emitted, capture_events

    with capture_events() as events:
        enrol(user)
    assert_emitted("edx.course.enrollment.activated", {"mode": "audit"}, events=events)

While events are captured no backend gets any. The processors in front of all backends run as ever.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest import TestCase

from trackside import tracker as tracking
from trackside.emitted import EmittedEvent, commit_waiters, copy_event
from trackside.routing import RoutingBackend
from trackside.tracker import DEFAULT_TRACKER_NAME, TRACKERS, Tracker, set_on_commit

outbox: list[EmittedEvent] = []
"""The events captured last, oldest first; emptied when capturing begins. Each has name, timestamp, data, context."""


class _Outbox:
    """A backend that keeps what it gets, and calls it durable."""

    mutates = False

    def send(self, event: EmittedEvent) -> None:
        outbox.append(copy_event(event))  # the application may go on changing its data
        waiters = commit_waiters()
        if waiters is not None:
            waiters.append(_Done())


class _Done:
    def wait(self, timeout_s: float) -> bool:
        return True


@contextmanager
def capture_events(*, commits: bool = True) -> Iterator[list[EmittedEvent]]:
    """Collect in `outbox`, which is what the block gets, every event emitted in the block by any tracker.

    Where no tracker is registered, one is for the block. An event emitted with `on_commit=True` is there at
    once; with `commits=False` it is there when Django runs its transaction's callbacks, which a TestCase does
    in `captureOnCommitCallbacks(execute=True)`.
    """
    if not TRACKERS:
        with _a_tracker(), capture_events(commits=commits) as events:
            yield events
        return
    outbox.clear()
    trackers = list(TRACKERS.values())
    routers = [tracker.routing_backend for tracker in trackers]
    on_commit = tracking._on_commit, tracking._on_commit_written  # noqa: SLF001  # to be put back as they were
    try:
        for tracker, router in zip(trackers, routers, strict=True):
            tracker.routing_backend = RoutingBackend({"outbox": _Outbox()}, router.processors)
        set_on_commit(None if commits else _after_commit)
        yield outbox
    finally:
        set_on_commit(*on_commit)
        for tracker, router in zip(trackers, routers, strict=True):
            tracker.routing_backend = router


def assert_emitted(
    name: str,
    data: Mapping[str, Any] | None = None,
    *,
    context: Mapping[str, Any] | None = None,
    times: int | None = None,
    events: Iterable[EmittedEvent] | None = None,
) -> EmittedEvent:
    """Return the last event of this name whose data and context hold at least what is given.

    `events` are those of `outbox` by default. Raises AssertionError, with what was emitted instead, where there
    is none, or, where `times` is given, not exactly so many.
    """
    emitted = list(outbox if events is None else events)
    found = [event for event in emitted if _matches(event, name, data, context)]
    if not found if times is None else len(found) != times:
        wanted = "no event" if times is None else f"{len(found)} instead of {times} events"
        raise AssertionError(f"{wanted} {_described(name, data, context)}; emitted: {_listed(emitted, name)}")
    return found[-1] if found else {}


def assert_not_emitted(
    name: str,
    data: Mapping[str, Any] | None = None,
    *,
    context: Mapping[str, Any] | None = None,
    events: Iterable[EmittedEvent] | None = None,
) -> None:
    """Raise AssertionError where an event of this name holds at least what is given."""
    assert_emitted(name, data, context=context, times=0, events=events)


class CapturesEvents(TestCase):
    """A test case, to be mixed into others, whose `events` are those its test has emitted so far."""

    events: list[EmittedEvent]

    def setUp(self) -> None:
        """Begin to capture."""
        super().setUp()
        self.events = self.enterContext(capture_events())


@contextmanager
def _a_tracker() -> Iterator[None]:
    TRACKERS[DEFAULT_TRACKER_NAME] = Tracker()
    try:
        yield
    finally:
        del TRACKERS[DEFAULT_TRACKER_NAME]


def _after_commit(tracker: Tracker, event: EmittedEvent) -> bool:
    from django.db import transaction

    kept = copy_event(event)
    transaction.on_commit(lambda: tracker.routing_backend.send(kept))
    return True


def _matches(
    event: EmittedEvent, name: str, data: Mapping[str, Any] | None, context: Mapping[str, Any] | None
) -> bool:
    return (
        event.get("name") == name
        and _holds(event.get("data"), data)
        and _holds(event.get("context"), context)
    )


def _holds(actual: Any, wanted: Mapping[str, Any] | None) -> bool:
    if not wanted:
        return True
    return isinstance(actual, Mapping) and all(
        key in actual and actual[key] == value for key, value in wanted.items()
    )


def _described(name: str, data: Mapping[str, Any] | None, context: Mapping[str, Any] | None) -> str:
    parts = [repr(name)]
    parts += [f"with data {dict(data)!r}"] if data else []
    parts += [f"with context {dict(context)!r}"] if context else []
    return " ".join(parts)


def _listed(emitted: list[EmittedEvent], name: str) -> str:
    """Return what was emitted: whole where the name is right, else the name alone."""
    return (
        ", ".join(
            f"{event.get('name')!r} {event.get('data')!r} in {event.get('context')!r}"
            if event.get("name") == name
            else repr(event.get("name"))
            for event in emitted
        )
        or "nothing"
    )
