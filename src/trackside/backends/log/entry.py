"""An emitted event on its way to the log, and the log's form of it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
from msgspec import Raw

from trackside.backends.log.waiter import Waiter
from trackside.clock import parse_timestamp
from trackside.event import EMITTED, EMITTED_VALUE, Event, Reject

OVERHEAD_BYTES = 600
"""What an entry takes in memory beside its JSON."""
_OPEN_BRACE = 0x7B
_ENCODER = msgspec.json.Encoder()


class Entry(NamedTuple):
    """What the emitting thread hands over: nothing in it can change any more."""

    size_bytes: int
    name: str
    timestamp: object
    """A datetime, unless the application put something else there."""
    data: bytes
    context: bytes
    user_id: str | int | None
    id: str | None
    """Where who emitted knows one; else it gets one on the way."""
    waiter: Waiter | None


class RejectEntry(NamedTuple):
    """Input that is no event, on its way to the log."""

    size_bytes: int
    reject: Reject


def to_event(entry: tuple[Any, ...], source: str, received_at: datetime, make_id: Callable[[], str]) -> Event:
    """Return the log's form of an `Entry`. Never raises for what an application can emit."""
    _, name, timestamp, data, context, user_id, id_, _ = entry
    extra = EMITTED
    if data[0] != _OPEN_BRACE:
        data, extra = b'{"value":%b}' % data, EMITTED_VALUE
    if context[0] != _OPEN_BRACE:
        context = b'{"value":%b}' % context
    if type(timestamp) is not datetime or timestamp.tzinfo is not UTC:
        timestamp = _moment(timestamp, received_at)
    if not name.isascii():
        name = _characters(name)
    if type(user_id) is int:
        user_id = str(user_id)
    elif user_id is not None and not user_id.isascii():
        user_id = _characters(user_id)
    return Event(
        id=id_ or make_id(),
        name=name,
        type="track",
        source=source,
        timestamp=timestamp,
        received_at=received_at,
        data=Raw(data),
        context=Raw(context),
        user_id=user_id or None,
        extra=extra,
    )


def _moment(timestamp: object, received_at: datetime) -> datetime:
    if isinstance(timestamp, str):
        return parse_timestamp(timestamp) or received_at
    if not isinstance(timestamp, datetime):
        return received_at
    try:
        aware = timestamp.replace(tzinfo=UTC) if timestamp.tzinfo is None else timestamp.astimezone(UTC)
    except (ValueError, OverflowError):  # the first and the last day there are
        return received_at
    return datetime(*aware.timetuple()[:6], aware.microsecond, tzinfo=UTC)  # no subclass


def _characters(text: str) -> str:
    """Return `text` with halves of characters, which no log can hold, replaced."""
    return text.encode("utf-8", "replace").decode()
