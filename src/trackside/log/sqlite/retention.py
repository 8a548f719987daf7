"""Removes what is past its time or beyond the log's size, in short steps."""

import sqlite3
from datetime import datetime

from trackside.config.settings import LogSettings
from trackside.log.sqlite.dedup import remembered_after
from trackside.log.sqlite.rejects import remove_old_rejects
from trackside.log.sqlite.writer import log_end
from trackside.sqlite.database import Database
from trackside.sqlite.instants import to_us
from trackside.sqlite.space import used_bytes

CHUNKS_PER_STEP = 64
BYTES_PER_STEP = 2_097_152
ROWS_PER_STEP = 500


def apply_retention(database: Database, settings: LogSettings, *, passed: int, now: datetime) -> int:
    """Remove chunks that are too old or too much, none beyond position `passed`; return how many events."""
    now_us = to_us(now)
    removed = 0
    while count := _remove_some(database, settings, passed, now_us):
        removed += count
    return removed


def _remove_some(database: Database, settings: LogSettings, passed: int, now_us: int) -> int:
    with database.writing() as connection:
        count, through = _what_goes(connection, settings, passed, now_us)
        if not count:
            return 0
        end = log_end(connection)
        window_us = settings.dedup_window_s * 1_000_000
        if window_us:
            connection.execute(
                "INSERT INTO removed_ids SELECT first, count, committed_at, ids FROM chunks"
                " WHERE first <= ? AND first + count > ?",
                (through, 1 + remembered_after(connection, end, now_us, window_us, settings.dedup_max_ids)),
            )
        connection.execute("DELETE FROM chunks WHERE first <= ?", (through,))
        connection.execute("INSERT OR REPLACE INTO meta VALUES ('removed_through', ?)", (through,))
    return count


def _what_goes(
    connection: sqlite3.Connection, settings: LogSettings, passed: int, now_us: int
) -> tuple[int, int]:
    """Return how many events go now and the last position of them."""
    excess = used_bytes(connection) - settings.retention_bytes if settings.retention_bytes else 0
    too_old_us = now_us - settings.retention_s * 1_000_000 if settings.retention_s else None
    count, through, freed = 0, 0, 0
    for first, events, until, size in connection.execute(
        "SELECT first, count, received_until, length(ids) + length(body) FROM chunks ORDER BY first LIMIT ?",
        (CHUNKS_PER_STEP,),
    ):
        last = first + events - 1
        too_old = too_old_us is not None and until < too_old_us
        if last > passed or freed >= BYTES_PER_STEP or not (too_old or freed < excess):
            break
        count += events
        through = last
        freed += size
    return count, through


def remove_old_ids(database: Database, settings: LogSettings, now: datetime) -> None:
    """Remove kept ids that deduplication does not look back at any more."""
    while True:
        with database.writing() as connection:
            after = remembered_after(
                connection,
                log_end(connection),
                to_us(now),
                settings.dedup_window_s * 1_000_000,
                settings.dedup_max_ids,
            )
            count = connection.execute(
                "DELETE FROM removed_ids WHERE first IN ("
                " SELECT first FROM removed_ids WHERE first + count <= ? ORDER BY first LIMIT ?)",
                (after + 1, ROWS_PER_STEP),
            ).rowcount
        if count < ROWS_PER_STEP:
            return


def trim_rejects(database: Database, settings: LogSettings) -> None:
    """Remove rejects beyond the number that is kept."""
    while True:
        with database.writing() as connection:
            count = remove_old_rejects(connection, settings.rejects_kept, limit=ROWS_PER_STEP)
        if count < ROWS_PER_STEP:
            return
