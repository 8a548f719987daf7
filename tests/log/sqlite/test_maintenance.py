"""Retention, merging and giving space back, step by step."""

import random
import sqlite3
import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from tests.log.sqlite.conftest import OpenLog
from trackside.log.base import Bounds
from trackside.log.sqlite import retention
from trackside.log.sqlite.compaction import LARGE_EVENTS, MANY_ROWS
from trackside.log.sqlite.log import SQLiteLog
from trackside.testing.log_values import NOON, append, make_event, make_reject, read_all


def rows(directory: Path) -> list[tuple[int, int]]:
    """Return first position and count of every chunk."""
    with closing(sqlite3.connect(directory / "log.db")) as connection:
        return connection.execute("SELECT first, count FROM chunks ORDER BY first").fetchall()


def fill(log: SQLiteLog, *sizes: int) -> None:
    number = log.bounds().last
    for size in sizes:
        append(log, *(make_event(number + n, name=f"n{(number + n) % 100}") for n in range(size)))
        number += size


def noise(seed: int, size_bytes: int) -> bytes:
    return b'"' + random.Random(seed).randbytes(size_bytes // 2).hex().encode() + b'"'


def test_small_chunks_are_merged_and_large_ones_left(open_log: OpenLog, directory: Path) -> None:
    log = open_log()
    fill(log, *([1] * 300), LARGE_EVENTS, 5, 6, 700, *([10] * 120))
    before = read_all(log)
    log.maintain(NOON)
    after = 301 + LARGE_EVENTS
    merged = [(1, 300), (301, LARGE_EVENTS), (after, 11), (after + 11, 700), (after + 711, 1_000)]
    assert rows(directory) == merged + [(first, 10) for first in range(after + 1711, after + 1911, 10)]
    assert read_all(log) == before


def test_a_short_run_at_the_end_waits_for_company(open_log: OpenLog, directory: Path) -> None:
    log = open_log()
    fill(log, *([1] * 10))
    log.maintain(NOON)
    assert len(rows(directory)) == 10
    fill(log, *([1] * MANY_ROWS))
    log.maintain(NOON)
    assert rows(directory) == [(1, 10 + MANY_ROWS)]
    fill(log, *([1] * 200))
    log.maintain(NOON)
    assert rows(directory) == [(1, 74), (75, 200)]
    fill(log, *([1] * 300))
    log.maintain(NOON)
    assert rows(directory) == [(1, 74), (75, 200), (275, 300)]


def test_maintenance_without_anything_to_do_writes_nothing(open_log: OpenLog, directory: Path) -> None:
    log = open_log()
    fill(log, *([3] * 100), 2, 2)
    log.maintain(NOON)
    with closing(sqlite3.connect(directory / "log.db")) as connection:
        version = connection.execute("PRAGMA data_version").fetchone()
        log.maintain(NOON)
        assert connection.execute("PRAGMA data_version").fetchone() == version
        append(log, make_event(9_999))
        assert connection.execute("PRAGMA data_version").fetchone() != version


def test_a_merged_chunk_keeps_names_times_and_ids(open_log: OpenLog, directory: Path) -> None:
    log = open_log()
    for number in range(300):
        at = NOON + timedelta(seconds=number)
        append(log, make_event(number, name="even" if number % 2 == 0 else "odd", received_at=at))
    with closing(sqlite3.connect(directory / "log.db")) as connection:
        ids = b"".join(row[0] for row in connection.execute("SELECT ids FROM chunks ORDER BY first"))
        log.maintain(NOON)
        row = connection.execute(
            "SELECT received_until - received_from, names, ids, raw_bytes FROM chunks"
        ).fetchone()
    assert row[:3] == (299_000_000, '["even","odd"]', ids)
    assert row[3] == log.stats().event_bytes
    assert log.position_at(NOON + timedelta(seconds=100)) == 100


def test_many_names_are_not_listed(open_log: OpenLog, directory: Path) -> None:
    log = open_log()
    for number in range(300):
        append(log, make_event(number, name=f"name-{number % 70}"))
    log.maintain(NOON)
    with closing(sqlite3.connect(directory / "log.db")) as connection:
        assert connection.execute("SELECT names FROM chunks").fetchall() == [(None,)]


def test_readers_see_no_gap_and_nothing_twice_while_chunks_are_merged(open_log: OpenLog) -> None:
    """A second process merges while this one reads page by page."""
    log, other = open_log(), open_log()
    fill(log, *([1] * 600))
    expected = read_all(log)
    merging = threading.Thread(target=other.maintain, args=(NOON,))
    merging.start()
    for _ in range(5):
        assert read_all(log) == expected
    merging.join()
    assert read_all(log) == expected


def test_two_processes_may_maintain_at_once(open_log: OpenLog, directory: Path) -> None:
    log, other = open_log(), open_log()
    fill(log, *([2] * 400))
    expected = read_all(log)
    merging = threading.Thread(target=other.maintain, args=(NOON,))
    merging.start()
    log.maintain(NOON)
    merging.join()
    assert read_all(log) == expected
    assert sum(count for _, count in rows(directory)) == 800


def test_a_large_batch_is_several_chunks(open_log: OpenLog, directory: Path) -> None:
    log = open_log()
    append(log, *map(make_event, range(2_500)))
    assert rows(directory) == [(1, 1_000), (1_001, 1_000), (2_001, 500)]
    append(log, *(make_event(n, data=noise(n, 400_000)) for n in range(10_000, 10_004)))
    assert rows(directory)[3:] == [(2_501, 2), (2_503, 2)]
    assert len(read_all(log)) == 2_504


def test_retention_goes_in_short_steps(open_log: OpenLog) -> None:
    log = open_log(retention_s=60)
    fill(log, *([1] * 150))
    settings, later = log._settings, NOON + timedelta(hours=1)
    with log._log.writing() as connection:
        count, through = retention._what_goes(connection, settings, 150, 2**60)
    assert (count, through) == (retention.CHUNKS_PER_STEP, retention.CHUNKS_PER_STEP)
    log.maintain(later)
    assert log.bounds() == Bounds(0, 150, 0)


def test_removed_space_is_given_back(open_log: OpenLog, directory: Path) -> None:
    log = open_log(retention_s=60)
    for start in range(0, 4_000, 500):
        append(log, *(make_event(n, data=noise(n, 4_000)) for n in range(start, start + 500)))
    log.close()
    full = (directory / "log.db").stat().st_size
    log = open_log(retention_s=60)
    log.maintain(NOON + timedelta(hours=1))
    log.close()
    assert full > 8_000_000
    assert (directory / "log.db").stat().st_size < full / 4


def test_a_flood_of_rejects_does_not_grow_without_bound(open_log: OpenLog, directory: Path) -> None:
    """Old rejects go in the commit that brings new ones, without any maintenance."""
    log = open_log(rejects_kept=10)
    for start in range(0, 400, 20):
        append(log, rejects=tuple(make_reject(n) for n in range(start, start + 20)))
    with closing(sqlite3.connect(directory / "log.db")) as connection:
        assert connection.execute("SELECT count(*), max(number) FROM rejects").fetchone() == (10, 200)
    assert [stored.reject.detail for stored in log.rejects(limit=2)] == ["399", "398"]


def test_rejects_can_be_switched_off(open_log: OpenLog) -> None:
    log = open_log(rejects_kept=0)
    append(log, rejects=(make_reject(1),))
    assert log.rejects() == []


def test_the_write_ahead_log_does_not_grow_without_bound(open_log: OpenLog, directory: Path) -> None:
    log = open_log()
    for start in range(0, 6_000, 500):
        append(log, *(make_event(n, data=noise(n, 4_000)) for n in range(start, start + 500)))
    assert (directory / "log.db").stat().st_size > 10_000_000
    assert (directory / "log.db-wal").stat().st_size < 8_000_000
