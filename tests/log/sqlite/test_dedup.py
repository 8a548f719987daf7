"""Deduplication across restarts and processes: each instance here is one process's view of the directory."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from tests.log.sqlite.conftest import OpenLog
from trackside.event import Batch, Event
from trackside.log.base import Committed, Unavailable, append_and_wait
from trackside.log.sqlite import chunks
from trackside.log.sqlite.event_codec import encode_events
from trackside.testing.log_values import NOON, ManualClock, append, make_event, read_all


def test_ids_survive_a_restart(open_log: OpenLog) -> None:
    log = open_log()
    append(log, *map(make_event, range(2_500)))
    log.close()
    log = open_log()
    assert append(log, *map(make_event, range(2_490, 2_510))) == Committed(10, 10, 2_510)


def test_ids_of_other_processes_count(open_log: OpenLog) -> None:
    first, second = open_log(), open_log()
    append(first, make_event(1))
    append(second, make_event(2))
    assert append(first, make_event(1), make_event(2), make_event(3)) == Committed(1, 2, 3)
    assert append(second, make_event(3), make_event(4)) == Committed(1, 1, 4)
    assert read_all(first) == read_all(second) == [(n, f"event-{n}") for n in (1, 2, 3, 4)]


def test_a_receipt_without_new_events_says_the_end_of_all(open_log: OpenLog) -> None:
    """Also where another process has written since: there is nothing to insert, which would notice it."""
    first, second = open_log(), open_log()
    append(first, make_event(1))
    append(second, make_event(2))
    assert append(first, make_event(1)) == Committed(0, 1, 2)


def test_ids_of_others_count_after_their_chunks_were_merged(open_log: OpenLog) -> None:
    first, second = open_log(), open_log()
    append(first, make_event(0))
    for number in range(1, 100):
        append(second, make_event(number))
    second.maintain(NOON)
    assert append(first, *map(make_event, range(101))) == Committed(1, 100, 101)


def test_ids_of_others_count_after_their_chunks_were_removed(open_log: OpenLog) -> None:
    first, second = open_log(retention_s=60), open_log(retention_s=60)
    append(first, make_event(0))
    append(second, make_event(1), make_event(2))
    second.maintain(NOON + timedelta(hours=1))
    assert second.bounds().events == 0
    assert append(first, make_event(2), make_event(1), make_event(0)) == Committed(0, 3, 3)


def test_ids_of_removed_chunks_survive_a_restart(open_log: OpenLog) -> None:
    log = open_log(retention_s=60)
    append(log, make_event(1))
    log.maintain(NOON + timedelta(hours=1))
    log.close()
    log = open_log(retention_s=60)
    assert append(log, make_event(1)).duplicates == 1
    assert (log.stats().dedup_ids, log.stats().dedup_since) == (1, None)


def test_kept_ids_go_with_the_window(open_log: OpenLog, directory: Path) -> None:
    clock = ManualClock()
    log = open_log(clock=clock, retention_s=60, dedup_window_s=3_600)
    append(log, make_event(1))
    clock.advance(600)
    log.maintain(clock.now)
    assert _count(directory, "removed_ids") == 1
    clock.advance(3_600)
    log.maintain(clock.now)
    assert _count(directory, "removed_ids") == 0
    assert log.stats().dedup_ids == 0


def test_the_window_counts_from_the_commit_also_after_a_restart(open_log: OpenLog) -> None:
    clock = ManualClock()
    log = open_log(clock=clock, dedup_window_s=3_600)
    append(log, make_event(1))
    clock.advance(3_000)
    append(log, make_event(2))
    log.close()
    clock.advance(700)
    log = open_log(clock=clock, dedup_window_s=3_600)
    assert log.stats().dedup_since == NOON
    assert append(log, make_event(1), make_event(2)) == Committed(1, 1, 3)


def test_only_the_newest_ids_are_read_at_a_start(open_log: OpenLog) -> None:
    log = open_log()
    for start in range(0, 5_000, 500):
        append(log, *map(make_event, range(start, start + 500)))
    log.close()
    log = open_log(dedup_max_ids=1_000)
    assert log.stats().dedup_ids == 1_000
    assert append(log, make_event(4_000), make_event(0)) == Committed(1, 1, 5_001)


def test_a_window_of_nothing_remembers_nothing(open_log: OpenLog) -> None:
    log = open_log(dedup_window_s=0)
    append(log, make_event(1))
    assert append(log, make_event(1)).stored == 1


def test_a_commit_that_failed_leaves_no_id_behind(open_log: OpenLog, directory: Path) -> None:
    """What was not stored is new when it comes again; neighbours stay known."""
    log = open_log()
    append(log, make_event(1))
    with closing(sqlite3.connect(directory / "log.db")) as connection:
        connection.execute(
            "CREATE TRIGGER full BEFORE INSERT ON chunks BEGIN SELECT raise(ABORT, 'no room'); END"
        )
        receipt = append_and_wait(log, Batch(events=(make_event(1), make_event(2), make_event(2))))
        assert isinstance(receipt, Unavailable)
        assert "no room" in receipt.reason
        connection.execute("DROP TRIGGER full")
    assert append(log, make_event(2), make_event(1)) == Committed(1, 1, 2)


def test_a_failed_commit_that_rotated_the_tables_leaves_no_id_behind(
    open_log: OpenLog, directory: Path
) -> None:
    log = open_log(dedup_max_ids=1_000)
    append(log, *map(make_event, range(400)))
    with closing(sqlite3.connect(directory / "log.db")) as connection:
        connection.execute(
            "CREATE TRIGGER full BEFORE INSERT ON chunks BEGIN SELECT raise(ABORT, 'no room'); END"
        )
        append_and_wait(log, Batch(events=[make_event(n) for n in range(400, 800)]))
        connection.execute("DROP TRIGGER full")
    assert append(log, *map(make_event, range(390, 800))) == Committed(400, 10, 800)


def test_an_event_that_cannot_be_stored_does_not_take_its_neighbours_along(
    open_log: OpenLog, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    log = open_log()

    def encode_most(events: Sequence[Event]) -> bytes:
        if any(event.id == "event-2" for event in events):
            raise TypeError("cannot be encoded")
        return encode_events(events)

    monkeypatch.setattr(chunks, "encode_events", encode_most)
    receipts = log._queue._receipts([Batch(events=(make_event(n),)) for n in (1, 2, 3)])
    assert [type(receipt) for receipt in receipts] == [Committed, Unavailable, Committed]
    assert read_all(log) == [(1, "event-1"), (2, "event-3")]
    monkeypatch.undo()
    assert append(log, make_event(2)).stored == 1


def _count(directory: Path, table: str) -> int:
    with closing(sqlite3.connect(directory / "log.db")) as connection:
        (count,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(count)
