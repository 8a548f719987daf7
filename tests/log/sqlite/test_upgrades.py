"""A file of an older version is brought to this one, with all of its state."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from tests.log.sqlite.conftest import OpenLog
from trackside.errors import StorageError
from trackside.log.sqlite.schema import DELIVERY
from trackside.sqlite.database import Database
from trackside.sqlite.schema import Schema
from trackside.testing.log_values import append, make_event

pytestmark = pytest.mark.slow

_VERSION_1 = Path(__file__).with_name("delivery_version_1.sql")
"""What version 1 of Trackside made, with a subscription in every state; `LOG_ID` stands for the log's id."""


def _older(open_log: OpenLog, directory: Path) -> Path:
    """Leave a log with the delivery state of version 1 beside it."""
    log = open_log()
    append(log, *map(make_event, range(1, 11)))
    log.close()
    with closing(sqlite3.connect(directory / "log.db")) as connection:
        (log_id,) = connection.execute("SELECT value FROM meta WHERE key = 'id'").fetchone()
    path = directory / "delivery.db"
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(_VERSION_1.read_text().replace("LOG_ID", log_id))
    return path


def _columns(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        return {name: connection.execute(f"PRAGMA table_info({name})").fetchall() for (name,) in tables}


def test_version_1_keeps_its_state(open_log: OpenLog, directory: Path) -> None:
    _older(open_log, directory)
    subscription = open_log().subscription("crm")
    state = subscription.state()
    assert (state.position, state.delivered, state.filtered, state.redelivered) == (8, 4, 1, 2)
    assert (state.retrying, state.dead, state.paused, state.checkpoint) == (2, 1, True, "offset 7")
    assert (state.last_error, state.failing_since is not None) == ("disk full", True)
    waiting = subscription.oldest_waiting()
    assert waiting is not None
    assert (waiting.position, waiting.attempt, waiting.event.id) == (3, 1, "event-3")
    assert [letter.event.id for letter in subscription.dead_letters()] == ["event-6"]
    (replay,) = subscription.replays()
    assert (replay.number, replay.first, replay.next, replay.until, replay.redelivered) == (1, 4, 4, 7, 3)
    assert (replay.names, replay.rate_per_s, replay.finished_at) == ((), 0.0, None)
    subscription.advance_replay(1, next_position=8, redelivered=4, checkpoint=None)
    assert [each.redelivered for each in subscription.finished_replays()] == [7]


def test_an_upgraded_file_is_like_a_new_one(open_log: OpenLog, directory: Path, tmp_path: Path) -> None:
    path = _older(open_log, directory)
    open_log().close()
    new = Database(tmp_path / "new.db", DELIVERY, meta={})
    new.close()
    assert _columns(path) == _columns(tmp_path / "new.db")
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (DELIVERY.version,)
    # others tell the version by the file's head, not by what is still in the write-ahead log
    assert int.from_bytes(path.read_bytes()[60:64], "big") == DELIVERY.version


def test_an_upgrade_while_the_file_is_in_use(open_log: OpenLog, directory: Path) -> None:
    """A process of the version before has it open and reads; what it writes later is understood."""
    path = _older(open_log, directory)
    with closing(sqlite3.connect(path, isolation_level=None)) as older:
        older.execute("BEGIN")
        assert older.execute("SELECT count(*) FROM replays").fetchone() == (1,)
        logs = [open_log(), open_log()]
        older.execute("COMMIT")
        older.execute("INSERT INTO replays (subscription, next, until) VALUES (1, 2, 9)")
    for log in logs:
        replays = log.subscription("crm").replays()
        assert [(each.first, each.next, each.until) for each in replays] == [(4, 4, 7), (2, 2, 9)]
    open_log()


def test_several_processes_open_it_at_once(open_log: OpenLog, directory: Path) -> None:
    _older(open_log, directory)
    failures: list[BaseException] = []

    def opened() -> None:
        try:
            open_log()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=opened) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_an_upgrade_that_fails_changes_nothing(open_log: OpenLog, directory: Path) -> None:
    path = _older(open_log, directory)
    before = _columns(path)
    broken = Schema(
        what=DELIVERY.what,
        application_id=DELIVERY.application_id,
        version=DELIVERY.version + 1,
        page_size_bytes=4096,
        tables=DELIVERY.tables,
        upgrades=(*DELIVERY.upgrades, ("ALTER TABLE dead ADD COLUMN a", "ALTER TABLE nothing ADD COLUMN b")),
    )
    with pytest.raises(StorageError, match="nothing"):
        Database(path, broken, meta={})
    assert _columns(path) == before
    assert open_log().subscription("crm").state().delivered == 4


def test_a_version_without_a_way_to_it_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="version 2 has 0 upgrades"):
        Schema(what="x", application_id=1, version=2, page_size_bytes=4096, tables=())
