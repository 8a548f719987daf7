"""Deduplication over all processes: the database is the truth, each process remembers what it read there."""

import sqlite3
from collections.abc import Iterator, Sequence

from trackside.config.settings import LogSettings
from trackside.event import Event
from trackside.log.sqlite.recent_ids import ID_BYTES, IdHasher, RecentIds

# Removed chunks come before those that are still there.
_ROWS = tuple(
    f"SELECT first, count, committed_at, ids FROM {table}"  # noqa: S608  # our own two names
    f" WHERE first >= coalesce((SELECT max(first) FROM {table} WHERE first <= :next), 0) ORDER BY first"
    for table in ("removed_ids", "chunks")
)


class Deduplication:
    """Tells which events are new. Used by the writer's thread, between its lock and its commit.

    Ids enter with the commit that makes them durable, and are read from the chunks after a start and after
    commits of other processes: no file beside the database could ever be ahead of it or behind.
    """

    def __init__(self, settings: LogSettings, secret: bytes) -> None:
        self._window_us = settings.dedup_window_s * 1_000_000
        self._max_ids = settings.dedup_max_ids
        self._hasher = IdHasher(secret)
        self._recent: RecentIds | None = None
        self._through = 0
        self._rotations = 0

    def keys(self, events: Sequence[Event]) -> bytes:
        """Return the 8-byte keys of the events, one behind the other."""
        return self._hasher.keys(events)

    @property
    def ready(self) -> bool:
        """Whether the ids of the past are in memory; if not, `catch_up` takes a while."""
        return self._recent is not None

    def after_fork(self) -> None:
        """Forget all: the fork may have come between a commit that failed and the forgetting of its ids."""
        self._recent = None

    def catch_up(self, connection: sqlite3.Connection, end: int, now_us: int) -> None:
        """Remember what is in the database up to `end`."""
        if not self._window_us:
            return
        recent = self._recent
        if recent is None:
            recent = RecentIds(remembered=self._max_ids, window_us=self._window_us)
            self._through = remembered_after(connection, end, now_us, self._window_us, self._max_ids)
        for through, committed_at, ids in _ids_after(connection, self._through, end):
            recent.load(ids, committed_at)
            self._through = through
        self._through = end
        self._recent = recent

    def add(self, keys: bytes, now_us: int) -> list[int]:
        """Return the indexes of the keys that are known; the others are remembered from now on."""
        if self._recent is None:
            return []
        self._rotations = self._recent.rotations
        return self._recent.add(keys, now_us)

    def committed(self, end: int) -> None:
        """Note that what was added is durable up to `end`."""
        self._through = end

    def failed(self, keys: bytes, known: Sequence[int]) -> None:
        """Forget what the last `add` remembered: its commit did not happen."""
        if self._recent is None:
            return
        if self._recent.rotations == self._rotations:
            self._recent.remove(keys, known)
        else:
            self._recent = None


def _ids_after(connection: sqlite3.Connection, after: int, end: int) -> Iterator[tuple[int, int, bytes]]:
    if after >= end:
        return
    for query in _ROWS:
        for first, count, committed_at, ids in connection.execute(query, {"next": after + 1}):
            if first + count - 1 > after:
                yield first + count - 1, committed_at, ids[max(0, after + 1 - first) * ID_BYTES :]


def remembered_after(
    connection: sqlite3.Connection, end: int, now_us: int, window_us: int, max_ids: int
) -> int:
    """Return the position after which ids count: those of the window, and of these the newest `max_ids`."""
    low = max(0, end - max_ids)
    high = end
    # Chunks are in the order of their commits, so the window's beginning is found by halving.
    while low < high:
        middle = (low + high) // 2
        at = committed_at(connection, middle + 1)
        if at is None or at < now_us - window_us:
            low = middle + 1
        else:
            high = middle
    return low


def committed_at(connection: sqlite3.Connection, position: int) -> int | None:
    """Return when the event at `position` was committed, None where nobody knows any more."""
    row: tuple[int] | None = (
        connection.execute(
            "SELECT committed_at FROM (SELECT * FROM chunks WHERE first <= :position ORDER BY first DESC LIMIT 1)"
            " WHERE first + count > :position",
            {"position": position},
        ).fetchone()
        or connection.execute(
            "SELECT committed_at FROM removed_ids WHERE first <= ? ORDER BY first DESC LIMIT 1", (position,)
        ).fetchone()
    )
    return row[0] if row else None
