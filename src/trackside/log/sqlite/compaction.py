"""Merges the small chunks of quiet times into larger ones; positions stay what they are."""

import sqlite3
from collections.abc import Sequence

from msgspec import Struct

from trackside.log.sqlite.chunks import (
    MAX_RAW_BYTES,
    SMALL,
    Chunk,
    decode_names,
    decompress,
    encode_names,
    make_compressor,
)
from trackside.log.sqlite.erasing import erasures
from trackside.log.sqlite.writer import insert_chunk
from trackside.sqlite.database import Database

LARGE_EVENTS = 32
"""A chunk of so many events is left as it is: compressed again with others it would save a tenth, for as much
processor time as storing it took."""
WORTH_EVENTS = 256
"""So many events together are worth a merge."""
MERGED_EVENTS = 1_000
MANY_ROWS = 64
"""So many chunks are merged even where they are few events together; what comes of them is large by itself."""
RUNS_LOOKED_AT = 10_000

_META = "compacted_through"


class _Row(Struct, frozen=True):
    first: int
    count: int
    raw_bytes: int


class Compaction:
    """Merges what came since the last time; a run of small chunks at the end waits until it is worth it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._compressor = make_compressor(SMALL)

    def run(self) -> int:
        """Merge all there is to merge, each run in its own short transaction; return how many rows went."""
        merged = 0
        while True:
            with self._database.reading() as connection:
                done = connection.execute("SELECT value FROM meta WHERE key = ?", (_META,)).fetchone()
                through, run, more = _next_run(connection, done[0] if done else 0)
                erased = erasures(connection)
                chunk, ids, committed_at = self._merge(connection, run) if run else (None, b"", 0)
            if chunk is not None:
                merged += self._replace(run, chunk, ids, committed_at, through, erased)
            elif through > (done[0] if done else 0):
                self._note(through)
            if not more:
                return merged

    def _merge(self, connection: sqlite3.Connection, run: Sequence[_Row]) -> tuple[Chunk, bytes, int]:
        rows = connection.execute(
            "SELECT first, committed_at, received_from, received_until, names, ids, body FROM chunks"
            " WHERE first BETWEEN ? AND ? ORDER BY first",
            (run[0].first, run[-1].first),
        ).fetchall()
        raw = b"".join(decompress(body, first) for first, *_, body in rows)
        lists = [names for *_, names, _, _ in rows]
        names = (
            None if None in lists else encode_names({n for names in set(lists) for n in decode_names(names)})
        )
        chunk = Chunk(
            count=sum(row.count for row in run),
            received_from=min(row[2] for row in rows),
            received_until=max(row[3] for row in rows),
            raw_bytes=len(raw),
            names=names,
            body=self._compressor.compress(raw),
        )
        return chunk, b"".join(row[5] for row in rows), max(row[1] for row in rows)

    def _replace(
        self, run: Sequence[_Row], chunk: Chunk, ids: bytes, committed_at: int, through: int, erased: int
    ) -> int:
        first, last = run[0].first, run[-1].first
        with self._database.writing() as connection:
            found = connection.execute(
                "SELECT first, count, raw_bytes FROM chunks WHERE first BETWEEN ? AND ? ORDER BY first",
                (first, last),
            ).fetchall()
            if [_Row(*row) for row in found] != list(run) or erasures(connection) != erased:
                return 0  # another process merged or removed them meanwhile, or erased events in them
            connection.execute("DELETE FROM chunks WHERE first BETWEEN ? AND ?", (first, last))
            insert_chunk(connection, first, chunk, ids, committed_at)
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_META, through))
        return len(run) - 1

    def _note(self, through: int) -> None:
        with self._database.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_META, through))


def _next_run(connection: sqlite3.Connection, after: int) -> tuple[int, list[_Row], bool]:
    """Return up to where all is done once this run is merged, the run, and whether there may be more."""
    run: list[_Row] = []
    events = raw_bytes = 0
    through = after
    for looked_at, values in enumerate(
        connection.execute(
            "SELECT first, count, raw_bytes FROM chunks WHERE first > ? ORDER BY first", (after,)
        )
    ):
        row = _Row(*values)
        large = row.count >= LARGE_EVENTS or row.raw_bytes >= MAX_RAW_BYTES // 2
        full = events + row.count > MERGED_EVENTS or raw_bytes + row.raw_bytes > MAX_RAW_BYTES
        if large or full:
            if len(run) > 1:
                return run[-1].first, run, True
            run, events, raw_bytes = [], 0, 0
            through = row.first if large else max(through, row.first - 1)
        if not large:
            run.append(row)
            events += row.count
            raw_bytes += row.raw_bytes
        if looked_at >= RUNS_LOOKED_AT:
            return through, [], True
    if len(run) > 1 and (events >= WORTH_EVENTS or len(run) >= MANY_ROWS):
        return run[-1].first, run, False
    return through, [], False
