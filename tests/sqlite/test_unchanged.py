"""Whether a database was written is seen from outside; in doubt it was."""

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from trackside.sqlite.unchanged import SETTLED_NS, Trace, trace_of


@pytest.fixture(params=["wal", "delete"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A database with one row, in each of SQLite's usual modes."""
    made = tmp_path / "site.db"
    with closing(sqlite3.connect(made)) as connection:
        connection.execute(f"PRAGMA journal_mode = {request.param}")
        connection.execute("CREATE TABLE things (number INTEGER)")
        connection.execute("INSERT INTO things VALUES (1)")
        connection.commit()
    os.utime(made, (1, 1))  # or the next write might bear the same time
    return made


def later(path: Path) -> Trace | None:
    """Return the trace when the last write is long over."""
    return trace_of(path, now_ns=time.time_ns() + 10 * SETTLED_NS)


def test_reading_leaves_no_trace(path: Path) -> None:
    before = later(path)
    assert before is not None
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT number FROM things").fetchall() == [(1,)]
    assert later(path) == before


@pytest.mark.parametrize("closed", [True, False])
def test_writing_leaves_one_also_by_a_connection_that_stays_open(path: Path, closed: bool) -> None:
    before = later(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE things SET number = 2")
        connection.commit()
        if not closed:
            assert later(path) != before
    assert later(path) != before


def test_another_file_in_its_place_is_seen(path: Path) -> None:
    before = later(path)
    copy = path.with_name("copy.db")
    copy.write_bytes(path.read_bytes())
    os.utime(copy, (1, 1))
    copy.replace(path)
    assert later(path) != before


def test_what_was_written_a_moment_ago_or_in_the_future_is_not_trusted(path: Path) -> None:
    changed_ns = path.stat().st_ctime_ns
    assert trace_of(path, now_ns=changed_ns + SETTLED_NS - 1) is None
    assert trace_of(path, now_ns=changed_ns - 60 * SETTLED_NS) is None
    assert trace_of(path, now_ns=changed_ns + SETTLED_NS) is not None


def test_where_there_is_no_file_nothing_is_known(path: Path) -> None:
    assert later(path.with_name("none.db")) is None
    assert later(path / "below-a-file.db") is None
