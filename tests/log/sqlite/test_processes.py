"""Several processes on one directory, processes that are killed, that fork, and a disk that is full."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from tests.log.sqlite.conftest import OpenLog
from trackside.event import Batch
from trackside.log.base import Committed, Unavailable, append_and_wait
from trackside.log.sqlite.log import SQLiteLog
from trackside.log.subscription import Progress
from trackside.sqlite import database
from trackside.testing.log_values import NOON, append, make_event, read_all

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
KILLS = 10


def start(what: str, directory: Path, *arguments: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.log.sqlite.process", what, str(directory), *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def check_once(log: SQLiteLog) -> set[int]:
    """Return the numbers of all events; each is there once, positions have no gap."""
    found = read_all(log)
    assert [position for position, _ in found] == list(range(1, len(found) + 1))
    numbers = [int(id_.removeprefix("event-")) for _, id_ in found]
    assert len(numbers) == len(set(numbers))
    return set(numbers)


def test_two_processes_append_the_same_events(open_log: OpenLog, directory: Path) -> None:
    """Of 2 times 5,000 events of which 2,500 are the same, each is stored once."""
    processes = [start("overlap", directory, first, 5_000) for first in (0, 2_500)]
    stored = [int(process.communicate(timeout=60)[0]) for process in processes]
    assert sum(stored) == 7_500
    log = open_log()
    assert check_once(log) == set(range(7_500))
    assert append(log, *map(make_event, range(7_500))) == Committed(0, 7_500, 7_500)


def test_nobody_waits_for_another_writer_who_need_not(open_log: OpenLog) -> None:
    """What should be stored at once is left alone while somebody else holds the log, ours or not."""
    log = open_log()
    append(log, make_event(1))
    batch = Batch(events=(make_event(2),))
    with log._log.writing():
        assert log.commit_now([batch]) is None
    with closing(sqlite3.connect(log._log.path, isolation_level=None)) as foreign:
        foreign.execute("BEGIN IMMEDIATE")
        assert log.commit_now([batch]) is None
        foreign.execute("ROLLBACK")
    assert read_all(log) == [(1, "event-1")]
    assert append_and_wait(log, batch) == Committed(1, 0, 2)


def test_what_was_acknowledged_survives_kill_9(open_log: OpenLog, directory: Path) -> None:
    """Killed again and again while it writes; what was not acknowledged is sent again, as clients do."""
    chance = random.Random(7)
    acknowledged: set[int] = set()
    first = 0
    for _ in range(KILLS):
        with start("write", directory, first, 100_000) as process:
            assert process.stdout is not None
            for _ in range(chance.randrange(1, 800)):
                acknowledged.add(int(process.stdout.readline()))
            process.send_signal(signal.SIGKILL)
            lines = process.stdout.read().splitlines(keepends=True)
            acknowledged |= {int(line) for line in lines if line.endswith("\n")}
        first = max(acknowledged) - 20  # some of these are there, and some that nobody was told of may be
    log = open_log()
    found = check_once(log)
    assert acknowledged <= found
    assert append(log, *map(make_event, sorted(found))).stored == 0


def test_another_process_sees_commits_and_is_seen(open_log: OpenLog) -> None:
    one, other = open_log(), open_log()
    append(one, make_event(1))
    assert other.wait(0, 5)
    assert other.bounds() == one.bounds()
    append(other, make_event(2))
    assert one.wait(1, 5)
    crm = one.subscription("crm")
    other.subscription("crm").pause(True)
    crm.advance(Progress(position=1, delivered=1), now=NOON)
    assert (crm.state().paused, other.subscription("crm").state().delivered) == (True, 1)


def test_all_who_wait_see_the_commit_of_another_process(open_log: OpenLog) -> None:
    """One of them looks for it; when its own time is over, another one takes its place."""
    log, other = open_log(), open_log()
    append(log, make_event(1))
    assert not log.wait(1, 0.01)
    answers: list[bool] = []
    impatient = threading.Thread(target=lambda: answers.append(log.wait(1, 0.01)))
    waiting = [threading.Thread(target=lambda: answers.append(log.wait(1, 30))) for _ in range(5)]
    impatient.start()
    for thread in waiting:
        thread.start()
    impatient.join()
    append(other, make_event(2))
    for thread in waiting:
        thread.join(10)
    assert answers == [False] + [True] * 5


def test_a_full_disk_refuses_and_service_resumes(open_log: OpenLog, directory: Path) -> None:
    process = start("fill", directory)
    told, after = process.communicate(timeout=60)[0].splitlines()
    number, receipt = told.split(" ", 1)
    assert receipt.startswith("Unavailable(reason='")
    assert "log.db" in receipt
    assert after == repr(Committed(1, 1, int(number) + 1))
    assert check_once(open_log()) == set(range(int(number) + 1))


def test_a_locked_database_refuses_and_service_resumes(
    open_log: OpenLog, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.01)
    log = open_log()
    append(log, make_event(1))
    with closing(sqlite3.connect(directory / "log.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        receipt = append_and_wait(log, Batch(events=(make_event(2),)))
        assert isinstance(receipt, Unavailable)
        assert "locked by another program" in receipt.reason
        assert [event.id for event in log.read(0).events] == ["event-1"]
    assert append(log, make_event(2)) == Committed(1, 0, 2)


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_parent_and_child_go_on_after_a_fork(open_log: OpenLog) -> None:
    log = open_log()
    append(log, make_event(1))
    log.subscription("crm")
    assert log.read(0).through == 1
    child = os.fork()
    if child == 0:
        status = 1
        try:
            stored = [append(log, make_event(number)).stored for number in (1, 2, 3)]
            log.subscription("crm").advance(Progress(position=1, delivered=1), now=NOON)
            log.close()
            status = 0 if stored == [0, 1, 1] else 2
        finally:
            os._exit(status)
    append(log, make_event(4))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert append(log, make_event(3), make_event(5)) == Committed(1, 1, 5)
    assert check_once(log) == {1, 2, 3, 4, 5}
    assert log.subscription("crm").state().delivered == 1


def test_nothing_is_open_during_a_fork(open_log: OpenLog, directory: Path) -> None:
    log = open_log()
    append(log, make_event(1))
    assert _open_files(directory)
    log._log.quiesce()
    log._delivery.quiesce()
    assert _open_files(directory) == []
    log._log.resume()
    log._delivery.resume()
    assert append(log, make_event(2)).stored == 1


def _open_files(directory: Path) -> list[str]:
    targets = []
    for entry in Path("/proc/self/fd").iterdir():
        try:
            targets.append(str(entry.readlink()))
        except OSError:  # the descriptor of the listing itself
            continue
    return [target for target in targets if target.startswith(str(directory))]
