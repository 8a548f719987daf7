"""Erases events of a person: in the chunks of the log, and where a subscription holds them."""

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from trackside.event import ERASED, Event, erased
from trackside.log.base import Page
from trackside.log.person import Finder
from trackside.log.sqlite.chunks import SMALL, decode_chunk, decompress, encode_names, make_compressor
from trackside.log.sqlite.event_codec import decode_event, decode_events, encode_event, encode_events
from trackside.log.sqlite.writer import log_end
from trackside.log.subscription import Held
from trackside.sqlite.database import Database
from trackside.sqlite.instants import to_us

CHUNKS_LOOKED_AT: Final = 64
FOUND_EVENTS: Final = 1_000
"""After so much a page ends: what is erased together is one step."""
ROWS: Final = 500

_OVERLAPPING = """
    SELECT first, count, body FROM chunks
    WHERE first >= coalesce((SELECT max(first) FROM chunks WHERE first <= :next), 0) ORDER BY first LIMIT :most
"""
MARKS_KEPT: Final = timedelta(days=1)
"""Far longer than any attempt takes that is under way while an event is erased."""
_COUNT_UP = "INSERT INTO meta VALUES ('erasures', 1) ON CONFLICT (key) DO UPDATE SET value = value + 1"


def erasures(connection: sqlite3.Connection) -> int:
    """Return how often chunks were rewritten: what was read before the last time may not be shown any more."""
    row = connection.execute("SELECT value FROM meta WHERE key = 'erasures'").fetchone()
    return row[0] if row else 0


class Eraser:
    """Finds and erases events; a chunk without any of the person's is looked through, and not decoded."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._compressor = make_compressor(SMALL)

    def find(self, finder: Finder, after: int) -> Page:
        """Return some of the events after `after` that name a person; `through` is how far was looked."""
        positions: list[int] = []
        events: list[Event] = []
        through = after
        with self._database.reading() as connection:
            rows = connection.execute(_OVERLAPPING, {"next": after + 1, "most": CHUNKS_LOOKED_AT}).fetchall()
            if not rows:
                through = max(after, log_end(connection))
        for first, count, body in rows:
            last = first + count - 1
            if last <= after:
                continue
            raw = decompress(body, first)
            if finder.may_be_in(raw):
                for position, event in enumerate(decode_chunk(body, first, count), first):
                    if position > after and finder.is_named_by(event):
                        positions.append(position)
                        events.append(event)
            through = last
            if len(events) >= FOUND_EVENTS:
                break
        return Page(positions, events, through)

    def erase(self, positions: Sequence[int]) -> int:
        """Erase the events at these positions; return how many were not erased yet."""
        left = sorted({*positions})
        count = 0
        while left:
            with self._database.reading() as connection:
                row = connection.execute(_OVERLAPPING, {"next": left[0], "most": 1}).fetchone()
            if row is None:
                break  # retention was here
            first, size, body = row
            here = [position for position in left if first <= position < first + size]
            if not here:
                left = left[1:]  # beyond the end, or removed
            elif (done := self._erase_in(first, size, body, here)) is not None:
                count += done
                left = [position for position in left if position >= first + size]
        return count

    def _erase_in(self, first: int, count: int, body: bytes, positions: Sequence[int]) -> int | None:
        """Rewrite one chunk; None where it is not what it was any more: merged with others, or removed."""
        events = list(decode_events(decompress(body, first), count))
        fresh = [at for at in (position - first for position in positions) if events[at].type != ERASED]
        if not fresh:
            return 0
        for at in fresh:
            events[at] = erased(events[at])
        raw = encode_events(events)
        names = encode_names({event.name for event in events})
        values = (len(raw), names, self._compressor.compress(raw), first, count, body)
        with self._database.writing() as connection:
            changed = connection.execute(
                "UPDATE chunks SET raw_bytes = ?, names = ?, body = ? WHERE first = ? AND count = ? AND body = ?",
                values,
            ).rowcount
            if changed:
                connection.execute(_COUNT_UP)
        return len(fresh) if changed else None


def mark(database: Database, positions: Sequence[int], *, now: datetime) -> None:
    """Note beside the subscriptions that these events are erased, or are about to be."""
    with database.writing() as connection:
        connection.executemany(
            "INSERT OR REPLACE INTO erased VALUES (?, ?)", [(position, to_us(now)) for position in positions]
        )
        connection.execute(_COUNT_UP)


def marked(database: Database) -> list[int]:
    """Return the positions that are noted, in order."""
    with database.reading() as connection:
        rows = connection.execute("SELECT position FROM erased ORDER BY position").fetchall()
    return [position for (position,) in rows]


def count_up(database: Database) -> None:
    """Have those who hold events in memory look at the log again."""
    with database.writing() as connection:
        connection.execute(_COUNT_UP)


def remove_old_marks(database: Database, now: datetime) -> None:
    """Remove the marks that nobody can need any more."""
    with database.reading() as connection:
        if connection.execute("SELECT 1 FROM erased LIMIT 1").fetchone() is None:
            return
    with database.writing() as connection:
        connection.execute("DELETE FROM erased WHERE erased_at < ?", (to_us(now - MARKS_KEPT),))


def as_kept(connection: sqlite3.Connection, position: int, event: Event) -> bytes:
    """Return an event for a row of a subscription, or what is left of it where it was erased meanwhile."""
    marked = connection.execute("SELECT 1 FROM erased WHERE position = ?", (position,)).fetchone()
    return encode_event(event if marked is None else erased(event))


def erase_held(database: Database, subscription: int, finder: Finder, *, dry_run: bool) -> Held:
    """Erase what a subscription holds of a person, a few hundred rows at a time."""
    waiting = dead = 0
    ids: set[str] = set()
    for found in _held(database, "waiting", subscription, finder):
        waiting += len(found)
        ids.update(event.id for _, event in found)
        if not dry_run:
            rows = [(encode_event(erased(event)), subscription, position) for position, event in found]
            with database.writing() as connection:
                connection.executemany(
                    "UPDATE waiting SET event = ? WHERE subscription = ? AND position = ?", rows
                )
    for found in _held(database, "dead", subscription, finder):
        dead += len(found)
        ids.update(event.id for _, event in found)
        if not dry_run:
            with database.writing() as connection:
                removed = connection.executemany(
                    "DELETE FROM dead WHERE subscription = ? AND position = ?",
                    [(subscription, position) for position, _ in found],
                ).rowcount
                connection.execute(
                    "UPDATE subscriptions SET dead = dead - :n, filtered = filtered + :n WHERE id = :id",
                    {"n": removed, "id": subscription},
                )
    return Held(waiting, dead, ids)


def _held(
    database: Database, table: str, subscription: int, finder: Finder
) -> Iterator[list[tuple[int, Event]]]:
    """Return the rows of a table that name a person, by and by."""
    after = 0
    while True:
        with database.reading() as connection:
            rows = connection.execute(
                f"SELECT position, event FROM {table}"  # noqa: S608  # one of our own names
                " WHERE subscription = ? AND position > ? ORDER BY position LIMIT ?",
                (subscription, after, ROWS),
            ).fetchall()
        if not rows:
            return
        decoded = [(position, decode_event(text)) for position, text in rows if finder.may_be_in(text)]
        found = [each for each in decoded if finder.is_named_by(each[1])]
        if found:
            yield found
        after = rows[-1][0]
