"""Reads events back: whole chunks are skipped by their names, the last decoded ones are kept."""

import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec import Struct

from trackside.event import Event, NameFilter
from trackside.log.base import Bounds, Page
from trackside.log.sqlite.chunks import decode_chunk, decode_names
from trackside.log.sqlite.erasing import erasures
from trackside.log.sqlite.writer import log_end
from trackside.sqlite.database import Database
from trackside.sqlite.instants import from_us, to_us

CACHED_EVENTS = 2_000
"""How many decoded events are kept at the most, beside the newest chunk."""
CHUNKS_LOOKED_AT = 10_000
"""After so many chunks without the wanted names a page ends, empty, so that one read does not take long."""
CHUNKS_DECODED = 512

_CHUNKS = """
    SELECT first, count, names FROM chunks
    WHERE first >= coalesce((SELECT max(first) FROM chunks WHERE first <= :next), 0) ORDER BY first
"""

_CHUNK_TIMES = """
    SELECT first, count, received_from, received_until, raw_bytes FROM chunks
    WHERE first >= coalesce((SELECT max(first) FROM chunks WHERE first <= :position), 0)
        AND first + count > :position ORDER BY first LIMIT 1
"""
_SHORT_SPAN_US = 1_000_000
_SMALL_BYTES = 262_144
"""A chunk of so much is unpacked within a millisecond or two."""


_Key = tuple[int, int]
"""How often events had been erased, and where the chunk begins."""


class _Page(Struct):
    positions: list[int]
    events: list[Event]
    through: int
    gone: int = 0


class Reader:
    """Reads pages from any thread; each page is of one moment, whatever is merged or removed meanwhile."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._decoded: OrderedDict[_Key, Sequence[Event]] = OrderedDict()
        self._decoded_events = 0

    def read(self, after: int, limit: int, names: NameFilter | None) -> Page:
        """Return events after `after`; a chunk is cut only where the page would be twice its limit."""
        page = _Page([], [], after)
        wanted = _wanted(names)
        decoded = 0
        with self._database.reading() as connection:
            version = erasures(connection)
            rows = connection.execute(_CHUNKS, {"next": after + 1})
            looked_at = 0
            for first, count, chunk_names in rows:
                last = first + count - 1
                if last <= after:
                    continue
                if not looked_at:
                    page.gone = max(0, first - after - 1)
                looked_at += 1
                if wanted(chunk_names):
                    decoded += 1
                    _take(page, first, self._events(connection, (version, first), count), names, 2 * limit)
                else:
                    page.through = last
                if page.through < last or len(page.events) >= limit:
                    break
                if looked_at >= CHUNKS_LOOKED_AT or decoded >= CHUNKS_DECODED:
                    break
            if not looked_at:
                page.through = max(after, log_end(connection))
                page.gone = page.through - after
        return Page(page.positions, page.events, page.through, page.gone)

    def _events(self, connection: sqlite3.Connection, key: _Key, count: int) -> Sequence[Event]:
        with self._lock:
            events = self._decoded.get(key)
            if events is not None and len(events) == count:
                self._decoded.move_to_end(key)
                return events
        _, first = key
        (body,) = connection.execute("SELECT body FROM chunks WHERE first = ?", (first,)).fetchone()
        events = decode_chunk(body, first, count)
        with self._lock:
            self._decoded_events += len(events) - len(self._decoded.pop(key, ()))
            self._decoded[key] = events
            while self._decoded_events > CACHED_EVENTS and len(self._decoded) > 1:
                self._decoded_events -= len(self._decoded.popitem(last=False)[1])
        return events

    def after_fork(self) -> None:
        """Begin without what a thread of the parent may have been at."""
        self._lock = threading.Lock()
        self._decoded = OrderedDict()
        self._decoded_events = 0

    def bounds(self) -> Bounds:
        """Return what the log holds."""
        with self._database.reading() as connection:
            end = log_end(connection)
            (first,) = connection.execute("SELECT min(first) FROM chunks").fetchone()
        return Bounds(first or 0, end, end - first + 1 if first else 0)

    def end(self) -> int:
        """Return the last position ever given."""
        with self._database.reading() as connection:
            return log_end(connection)

    def position_at(self, moment: datetime) -> int:
        """Return the position of the last event received before `moment`, or that before the first held."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT first, count FROM chunks"
                " WHERE first = (SELECT max(first) FROM chunks WHERE received_from < ?)",
                (to_us(moment),),
            ).fetchone()
            if row is None:
                (held,) = connection.execute("SELECT min(first) FROM chunks").fetchone()
                return log_end(connection) if held is None else int(held) - 1
            first, count = row
            events = self._events(connection, (erasures(connection), first), count)
        return int(first) + max(index for index, event in enumerate(events) if event.received_at < moment)

    def received_at(self, position: int) -> datetime | None:
        """Return when the event at `position`, or the first one held after it, was received.

        Where the chunk it is in came in within a second, or is large, its own times are near enough.
        """
        with self._database.reading() as connection:
            row = connection.execute(_CHUNK_TIMES, {"position": position}).fetchone()
            if row is None:
                return None
            first, count, received_from, received_until, raw_bytes = row
            at = max(0, position - int(first))
            span = received_until - received_from
            if at == 0 or span < _SHORT_SPAN_US:
                return from_us(received_from)
            if raw_bytes > _SMALL_BYTES:
                return from_us(received_from + span * at // count)
            return self._events(connection, (erasures(connection), first), count)[at].received_at


def _wanted(names: NameFilter | None) -> Callable[[str | None], bool]:
    if names is None:
        return lambda _: True
    matches = names.matches
    answers: dict[str, bool] = {}

    def wanted(chunk_names: str | None) -> bool:
        if chunk_names is None:
            return True
        answer = answers.get(chunk_names)
        if answer is None:
            answer = answers[chunk_names] = any(map(matches, decode_names(chunk_names)))
        return answer

    return wanted


def _take(page: _Page, first: int, events: Sequence[Event], names: NameFilter | None, most: int) -> None:
    """Add to the page those events of the chunk that come after it, up to `most` in all."""
    skip = max(0, page.through + 1 - first)
    if names is None:
        take = min(len(events) - skip, most - len(page.events))
        page.events += events[skip : skip + take]
        page.positions += range(first + skip, first + skip + take)
        page.through = first + skip + take - 1
        return
    for position, event in enumerate(events[skip:], first + skip):
        if names.matches(event.name):
            if len(page.events) >= most:
                return
            page.positions.append(position)
            page.events.append(event)
        page.through = position
