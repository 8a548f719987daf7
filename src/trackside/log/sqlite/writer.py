"""Commits a group of batches: new events as chunks, rejects beside them, one fsync for all."""

import itertools
import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec import Struct

from trackside.config.settings import LogSettings
from trackside.errors import StorageError
from trackside.event import Batch, Event
from trackside.log.base import Committed, Receipt, Unavailable
from trackside.log.sqlite.chunks import FAST, MAX_EVENTS, Chunk, encode_chunks, make_compressor
from trackside.log.sqlite.dedup import Deduplication
from trackside.log.sqlite.recent_ids import ID_BYTES
from trackside.log.sqlite.rejects import insert_rejects
from trackside.sqlite.database import Database
from trackside.sqlite.instants import to_us

RETRY_AFTER_S = 5

_INSERT = """
    INSERT INTO chunks
        (first, count, committed_at, received_from, received_until, raw_bytes, names, ids, body)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_INSERT_AT_END = """
    INSERT INTO chunks
        (first, count, committed_at, received_from, received_until, raw_bytes, names, ids, body)
    SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?
    WHERE (SELECT first + count FROM chunks ORDER BY first DESC LIMIT 1) = ?
"""
"""Inserts nothing where the log does not end before the chunk: somebody else has written."""
ALONE_AGAIN_US = 1_000_000
"""Who met another writer queues with it for so long."""


_Execute = Callable[[str, Sequence[object]], int | None]


class _Group:
    """Batches that become durable together."""

    __slots__ = ("batches", "events")

    def __init__(self, batches: Sequence[Batch]) -> None:
        self.batches = batches
        self.events: Sequence[Event] = (
            batches[0].events
            if len(batches) == 1
            else list(itertools.chain.from_iterable(batch.events for batch in batches))
        )


class _Stored(Struct, frozen=True):
    end: int
    known: list[int]
    """Indexes, among all events of the group, of those that were there before."""


class Writer:
    """Makes groups of batches durable; used by one thread of each process."""

    def __init__(
        self,
        database: Database,
        settings: LogSettings,
        *,
        secret: bytes,
        clock: Callable[[], datetime],
        committed: Callable[[int], None],
    ) -> None:
        """`committed` is told the log's end after each commit."""
        self._database = database
        self._rejects_kept = settings.rejects_kept
        self._clock = clock
        self._committed = committed
        self._dedup = Deduplication(settings, secret)
        self._compressor = make_compressor(FAST)
        self._end = 0
        self._queue_until_us = 0

    def after_fork(self) -> None:
        """Begin anew in a child."""
        self._end = 0
        self._dedup.after_fork()

    def commit(self, batches: Sequence[Batch]) -> Sequence[Receipt]:
        """Keep all batches, or none where the disk does not let us."""
        group = _Group(batches)
        try:
            stored = self._store(group)
        except StorageError as error:
            return [Unavailable(str(error), RETRY_AFTER_S)] * len(batches)
        return self._receipts(group, stored)

    def commit_now(self, batches: Sequence[Batch]) -> Sequence[Receipt] | None:
        """Do as `commit`; None, with nothing done, where it would have to wait or takes more than a statement."""
        group = _Group(batches)
        now_us = to_us(self._clock())
        if not self._is_alone(now_us):
            return None
        try:
            stored = self._store_alone(group, now_us, self._database.execute_if_free)
        except StorageError as error:
            return [Unavailable(str(error), RETRY_AFTER_S)] * len(batches)
        return None if stored is None else self._receipts(group, stored)

    def _receipts(self, group: _Group, stored: _Stored) -> Sequence[Receipt]:
        self._committed(stored.end)
        if not stored.known:
            return [Committed(len(batch.events), 0, stored.end) for batch in group.batches]
        return _receipts(group.batches, stored)

    def _store(self, group: _Group) -> _Stored:
        now_us = to_us(self._clock())
        if self._is_alone(now_us):
            stored = self._store_alone(group, now_us, self._database.execute_alone)
            if stored is not None:
                return stored
        return self._store_in_turn(group, now_us)

    def _is_alone(self, now_us: int) -> bool:
        """Return whether this process knows the log's end, unless another has written since."""
        return self._end > 0 and self._dedup.ready and now_us >= self._queue_until_us

    def _store_alone(self, group: _Group, now_us: int, execute: _Execute) -> _Stored | None:
        """Commit one chunk by one statement; None where it takes more, or where others have written since."""
        events = group.events
        if len(events) > MAX_EVENTS or any(batch.rejects for batch in group.batches):
            return None
        keys = self._dedup.keys(events)
        known = self._dedup.add(keys, now_us)
        inserted: int | None = 0
        try:
            fresh, ids = (events, keys) if not known else _without(events, keys, known)
            if not fresh:
                return None  # nothing to insert, which would tell whether others have written since
            first, *others = encode_chunks(fresh, self._compressor)
            if not others:
                row = _row(self._end + 1, first, ids, now_us)
                inserted = execute(_INSERT_AT_END, (*row, self._end + 1))
                if inserted == 0:
                    self._queue_until_us = now_us + ALONE_AGAIN_US
        finally:
            if fresh and not inserted:
                self._dedup.failed(keys, known)
        if not inserted:
            return None
        self._end += len(fresh)
        self._dedup.committed(self._end)
        return _Stored(self._end, known)

    def _store_in_turn(self, group: _Group, now_us: int) -> _Stored:
        events, keys = group.events, self._dedup.keys(group.events)
        if not self._dedup.ready:  # the long read of a start happens beside the others' commits
            with self._database.reading() as connection:
                self._dedup.catch_up(connection, log_end(connection), now_us)
        known: list[int] | None = None
        try:
            with self._database.writing() as connection:
                end = log_end(connection)
                self._dedup.catch_up(connection, end, now_us)
                known = self._dedup.add(keys, now_us)
                fresh, ids = (events, keys) if not known else _without(events, keys, known)
                for chunk in encode_chunks(fresh, self._compressor):
                    insert_chunk(connection, end + 1, chunk, ids[: chunk.count * ID_BYTES], now_us)
                    ids = ids[chunk.count * ID_BYTES :]
                    end += chunk.count
                for batch in group.batches:
                    if batch.rejects:
                        insert_rejects(connection, batch.rejects, self._rejects_kept)
        except BaseException:
            if known is not None:
                self._dedup.failed(keys, known)
            raise
        self._dedup.committed(end)
        self._end = end
        return _Stored(end, known)


def log_end(connection: sqlite3.Connection) -> int:
    """Return the last position ever given, 0 before the first."""
    row: tuple[int] | None = (
        connection.execute("SELECT first + count - 1 FROM chunks ORDER BY first DESC LIMIT 1").fetchone()
        or connection.execute("SELECT value FROM meta WHERE key = 'removed_through'").fetchone()
    )
    return row[0] if row else 0


def insert_chunk(
    connection: sqlite3.Connection, first: int, chunk: Chunk, ids: bytes, committed_at: int
) -> None:
    """Add the row of a chunk that begins at position `first`."""
    connection.execute(_INSERT, _row(first, chunk, ids, committed_at))


def _row(first: int, chunk: Chunk, ids: bytes, committed_at: int) -> tuple[object, ...]:
    return (
        first,
        chunk.count,
        committed_at,
        chunk.received_from,
        chunk.received_until,
        chunk.raw_bytes,
        chunk.names,
        ids,
        chunk.body,
    )


def _without(events: Sequence[Event], keys: bytes, known: list[int]) -> tuple[list[Event], bytes]:
    left_out = set(known)
    kept = [index for index in range(len(events)) if index not in left_out]
    return [events[i] for i in kept], b"".join(keys[i * ID_BYTES : (i + 1) * ID_BYTES] for i in kept)


def _receipts(batches: Sequence[Batch], stored: _Stored) -> list[Receipt]:
    receipts: list[Receipt] = []
    known = iter(stored.known)
    following = next(known, None)
    start = 0
    for batch in batches:
        start += len(batch.events)
        duplicates = 0
        while following is not None and following < start:
            duplicates += 1
            following = next(known, None)
        receipts.append(Committed(len(batch.events) - duplicates, duplicates, stored.end))
    return receipts
