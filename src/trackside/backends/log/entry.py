"""An emitted event on its way to the log, and the log's form of it."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from msgspec import Raw

from trackside.backends.log.fast_json import encode_quickly, join_lines, split_lines
from trackside.backends.log.waiter import Waiter
from trackside.clock import parse_timestamp
from trackside.emitted import UnwrittenEvent, WrittenEvent
from trackside.event import EMITTED, EMITTED_VALUE, Event, Reject

OVERHEAD_BYTES = 600
"""What an entry takes in memory beside its JSON."""
_UNWRITTEN = 2
"""So many members has an `UnwrittenEntry`."""
_OPEN_BRACE = ord("{")
_LINE_FEED = ord("\n")
_from_clock = datetime.fromtimestamp


class Entry(NamedTuple):
    """What the emitting thread hands over: nothing in it can change any more."""

    size_bytes: int
    name: str
    timestamp: object
    """A datetime, or seconds since 1970 UTC as a float, unless the application put something else there."""
    lines: bytes
    """The JSON of the data and that of the context, each on a line (see `fast_json.split_lines`)."""
    user_id: str | int | None
    id: str | None
    """Where who emitted knows one; else it gets one on the way."""
    waiter: Waiter | None
    extra: bytes
    """JSON members that the event's `extra` has beside those of every emitted event, each with a comma before it."""


class UnwrittenEntry(NamedTuple):
    """What becomes an `Entry` in the thread."""

    size_bytes: int
    event: UnwrittenEvent


class RejectEntry(NamedTuple):
    """Input that is no event, on its way to the log."""

    size_bytes: int
    reject: Reject


def whole_entry(event: WrittenEvent) -> tuple[Any, ...]:
    """Return the `Entry` of an event whose data is JSON. Raises Unencodable."""
    lines, extra = join_lines(event.data, encode_quickly(event.context)), event.extra
    size = len(lines) + len(extra) + OVERHEAD_BYTES
    return size, event.name, event.timestamp, lines, event.user_id, event.id, None, extra


def whole_entries(
    entries: Sequence[tuple[Any, ...]], failed: Callable[[Exception], None]
) -> Sequence[tuple[Any, ...]]:
    """Return each as an `Entry`, but for those that cannot be written; `failed` is told of each of these."""
    whole = []
    for entry in entries:
        if len(entry) != _UNWRITTEN:
            whole.append(entry)
            continue
        try:
            whole.append(whole_entry(entry[1].written()))
        except Exception as error:  # noqa: BLE001  # the border: one event's fault is not its neighbours'
            failed(error)
    return whole


def to_events(
    entries: Sequence[tuple[Any, ...]], source: str, received_at: datetime, ids: Iterable[str]
) -> list[Event]:
    """Return the log's form of each `Entry`; one without an id gets that of `ids` in its place.

    Never raises for what an application can emit.
    """
    events = []
    for (_, name, timestamp, lines, user_id, known_id, _, more), made_id in zip(entries, ids, strict=True):
        data, _, context = lines.partition(b"\n")
        if context.index(_LINE_FEED) == len(context) - 1:
            context = context[:-1]
        else:
            data, context = split_lines(lines)
        extra = EMITTED
        if data[0] != _OPEN_BRACE:
            data, extra = b'{"value":%b}' % data, EMITTED_VALUE
        if more:
            extra = Raw(bytes(extra)[:-1] + more + b"}")
        if context[0] != _OPEN_BRACE:
            context = b'{"value":%b}' % context
        events.append(
            Event(
                id=known_id or made_id,
                name=name if name.isascii() else _characters(name),
                type="track",
                source=source,
                timestamp=_from_clock(timestamp, UTC)
                if type(timestamp) is float
                else _moment(timestamp, received_at),
                received_at=received_at,
                data=Raw(data),
                context=Raw(context),
                user_id=None if user_id is None else _user(user_id) or None,
                extra=extra,
            )
        )
    return events


def _user(user_id: str | int) -> str:
    if type(user_id) is not str:
        return str(user_id)
    return user_id if user_id.isascii() else _characters(user_id)


def _moment(timestamp: object, received_at: datetime) -> datetime:
    if type(timestamp) is datetime and timestamp.tzinfo is UTC:
        return timestamp
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
