"""What the files look like, and which files are refused."""

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from tests.log.sqlite.conftest import OpenLog
from trackside.errors import StorageError
from trackside.log.sqlite.schema import DELIVERY, LOG
from trackside.log.subscription import Progress
from trackside.testing.log_values import ManualClock, append, make_event, read_all


def _fill(open_log: OpenLog) -> None:
    log = open_log()
    append(log, make_event(1))
    log.subscription("crm")
    log.close()


def test_only_the_owner_may_look(open_log: OpenLog, directory: Path) -> None:
    log = open_log()
    append(log, make_event(1))
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    files = {file.name: stat.S_IMODE(file.stat().st_mode) for file in directory.iterdir()}
    assert {"log.db", "log.db-wal", "delivery.db"} <= files.keys()
    assert set(files.values()) == {0o600}


def test_the_databases_say_whose_they_are(open_log: OpenLog, directory: Path) -> None:
    _fill(open_log)
    for name, schema in (("log.db", LOG), ("delivery.db", DELIVERY)):
        with closing(sqlite3.connect(directory / name)) as connection:
            assert connection.execute("PRAGMA application_id").fetchone() == (schema.application_id,)
            assert connection.execute("PRAGMA user_version").fetchone() == (schema.version,)
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
            assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)


@pytest.mark.parametrize("name", ["log.db", "delivery.db"])
@pytest.mark.parametrize("content", [b"", b"not a database", bytes(8_192)])
def test_what_is_no_database_is_refused(
    open_log: OpenLog, directory: Path, name: str, content: bytes
) -> None:
    _fill(open_log)
    (directory / name).write_bytes(content)
    with pytest.raises(StorageError, match="not a SQLite database"):
        open_log()
    assert (directory / name).read_bytes() == content


def test_a_database_of_another_program_is_refused(open_log: OpenLog, directory: Path) -> None:
    directory.mkdir()
    with closing(sqlite3.connect(directory / "log.db")) as connection:
        connection.execute("CREATE TABLE theirs (a)")
    before = (directory / "log.db").read_bytes()
    with pytest.raises(StorageError, match="another program"):
        open_log()
    assert (directory / "log.db").read_bytes() == before


def test_a_newer_database_is_refused(open_log: OpenLog, directory: Path) -> None:
    _fill(open_log)
    with closing(sqlite3.connect(directory / "log.db")) as connection:
        connection.execute(f"PRAGMA user_version = {LOG.version + 1}")
    before = (directory / "log.db").read_bytes()
    with pytest.raises(StorageError, match=r"newer Trackside .*install that version"):
        open_log()
    assert (directory / "log.db").read_bytes() == before


def test_a_database_damaged_inside_is_refused(open_log: OpenLog, directory: Path) -> None:
    _fill(open_log)
    content = (directory / "log.db").read_bytes()
    (directory / "log.db").write_bytes(content[:100] + b"\xff" * (len(content) - 100))
    with pytest.raises(StorageError, match="restore"):
        open_log()


def test_a_missing_table_is_told(open_log: OpenLog, directory: Path) -> None:
    _fill(open_log)
    with closing(sqlite3.connect(directory / "log.db")) as connection:
        connection.execute("DROP TABLE rejects")
    with pytest.raises(StorageError, match="has no rejects"):
        open_log()


def test_a_write_ahead_log_without_its_database_is_refused(open_log: OpenLog, directory: Path) -> None:
    directory.mkdir()
    (directory / "log.db-wal").write_bytes(b"something")
    with pytest.raises(StorageError, match="is missing but"):
        open_log()


def test_a_delivery_state_of_another_log_is_refused(open_log: OpenLog, directory: Path) -> None:
    _fill(open_log)
    (directory / "log.db").unlink()
    with pytest.raises(StorageError, match="belongs to another log"):
        open_log()


def test_a_log_older_than_the_delivery_state_is_refused(open_log: OpenLog, directory: Path) -> None:
    """Restored from another backup, it would give positions again that a destination has passed."""
    log = open_log()
    append(log, make_event(1))
    log.close()
    old = (directory / "log.db").read_bytes()
    log = open_log()
    append(log, make_event(2), make_event(3))
    log.subscription("crm").advance(Progress(position=3, delivered=3), now=ManualClock().now)
    log.close()
    (directory / "log.db").write_bytes(old)
    with pytest.raises(StorageError, match=r"crm has had the events up to 3, but .*log\.db ends at 1"):
        open_log().subscription("crm")


def test_a_half_made_file_of_a_crashed_start_is_no_obstacle(open_log: OpenLog, directory: Path) -> None:
    directory.mkdir()
    (directory / "log.db.new").write_bytes(b"half")
    log = open_log()
    append(log, make_event(1))
    assert read_all(log) == [(1, "event-1")]


def test_a_directory_that_cannot_be_made_is_told(open_log: OpenLog, directory: Path) -> None:
    directory.write_text("a file")
    with pytest.raises(StorageError, match="data"):
        open_log()


def test_a_damaged_chunk_is_told_by_its_position(open_log: OpenLog, directory: Path) -> None:
    _fill(open_log)
    with closing(sqlite3.connect(directory / "log.db")) as connection:
        connection.execute("UPDATE chunks SET body = x'28b52ffd00'")
        connection.commit()
    with pytest.raises(StorageError, match="position 1"):
        open_log().read(0)


def test_a_closed_log_cannot_be_read(open_log: OpenLog) -> None:
    log = open_log()
    log.close()
    with pytest.raises(StorageError, match="closed"):
        log.bounds()
