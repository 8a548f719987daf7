"""Processes that are killed, that read while others write, and a disk that is full."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.attempts.tools import opened, settle
from trackside.attempts.base import AttemptPage, Query
from trackside.attempts.journal import Journal
from trackside.attempts.sqlite import SQLiteAttempts
from trackside.testing.attempt_contract import NOON, ending, sending

ROOT = Path(__file__).parents[2]


def start(what: str, directory: Path, *arguments: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.attempts.process", what, str(directory), *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def everything(attempts: SQLiteAttempts) -> AttemptPage:
    return attempts.page(Query(), limit=10**9)


@pytest.mark.parametrize("ended", [0, 1, 3_000])
def test_kill_9(tmp_path: Path, ended: int) -> None:
    """What had ended is kept with its answer, what was under way with its request, as `unknown`; each once."""
    process = start("die", tmp_path, ended, 3)
    process.communicate(timeout=30)
    assert process.returncode == -9
    attempts = opened(tmp_path)
    attempts.start()
    found = everything(attempts).attempts
    assert sorted(each.attempt.position for each in found) == list(range(1, ended + 4))
    unknown = [each.attempt for each in found if each.attempt.outcome == "unknown"]
    bodies = {each.position: each.request_body for each in unknown}
    assert bodies == {number: b"exactly %d" % number for number in range(ended + 1, ended + 4)}
    assert {(each.status, each.status_class, each.failed) for each in unknown} == {(None, "none", True)}
    attempts.close()
    again = opened(tmp_path)
    again.start()
    assert len(everything(again).attempts) == ended + 3
    again.close()
    assert list(tmp_path.glob("*.journal")) == []


def test_killed_while_the_journal_of_another_is_taken_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is in the database already is not taken in a second time, although the file is still there."""
    start("die", tmp_path, 5, 2).communicate(timeout=30)
    close = Journal.close

    def killed(journal: Journal, *, remove: bool) -> None:
        """Let go of the file as a process does that ends here."""
        close(journal, remove=False)
        raise KeyboardInterrupt

    attempts = opened(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "close", killed)
        with pytest.raises(KeyboardInterrupt):
            attempts.start()
    assert len(everything(attempts).attempts) == 7
    assert len(list(tmp_path.glob("*.journal"))) == 1
    attempts.maintain(NOON)
    assert len(everything(attempts).attempts) == 7
    assert list(tmp_path.glob("*.journal")) == []
    attempts.close()


def test_the_journal_of_a_living_process_is_left_alone(tmp_path: Path) -> None:
    """A second process takes nothing in of what the first still writes."""
    first = opened(tmp_path)
    first.start()
    key = first.recorder("crm").begin(sending(1))
    second = opened(tmp_path)
    second.start()
    second.maintain(NOON)
    assert everything(second).attempts == []
    second.close()
    first.recorder("crm").end(key, ending())
    first.close()
    after = opened(tmp_path)
    assert len(everything(after).attempts) == 1
    after.close()


def test_reading_while_another_process_writes_and_is_killed(tmp_path: Path) -> None:
    """Pages are whole and in order at every moment, and at the end nothing that was said is missing."""
    reader = opened(tmp_path)
    process = start("write", tmp_path)
    assert process.stdout is not None
    said = 0
    while said < 20_000:
        said = int(process.stdout.readline())
        if said % 500 == 0:
            page = reader.page(Query(destination="crm"), limit=100)
            positions = [each.attempt.position for each in page.attempts]
            assert positions == sorted(positions, reverse=True)
    process.kill()
    rest = process.communicate()[0].splitlines()
    said = max(said, *(int(line) for line in rest if line), 0)
    reader.maintain(NOON)
    found = [each.attempt.position for each in everything(reader).attempts]
    assert set(range(1, said + 1)) <= set(found)
    assert len(found) == len(set(found))
    reader.close()


def test_a_full_disk(tmp_path: Path) -> None:
    """Recording goes on, in no time and no memory; what the journal has no room for is dropped and counted."""
    output, _ = start("fill", tmp_path, 40_000).communicate(timeout=60)
    refused, kept, dropped, slowest_s, grown_kb = output.split()
    assert int(refused) == 1
    assert int(kept) + int(dropped) == 40_000
    assert 300 < int(kept) < 1_000  # what a ring of 1 MiB holds
    assert float(slowest_s) < 0.5
    assert int(grown_kb) < 20_000  # 64 MB were sent


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_fork(tmp_path: Path) -> None:
    """The child keeps nothing of its own accord, and the parent's attempts stay the parent's."""
    attempts = opened(tmp_path)
    attempts.start()
    recorder = attempts.recorder("crm")
    key = recorder.begin(sending(1))
    pid = os.fork()
    if pid == 0:
        recorder.end(key, ending(500))
        os._exit(0 if recorder.begin(sending(2)) is None else 1)
    assert os.waitpid(pid, 0)[1] == 0
    recorder.end(key, ending())
    attempts.close()
    after = opened(tmp_path)
    (stored,) = everything(after).attempts
    assert (stored.attempt.position, stored.attempt.status) == (1, 204)
    after.close()


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_child_that_starts_anew(tmp_path: Path) -> None:
    """It has a journal of its own from the beginning, however far the parent's was read."""
    attempts = opened(tmp_path)
    attempts.start()
    recorder = attempts.recorder("crm")
    recorder.end(recorder.begin(sending(1)), ending())
    recorder.begin(sending(2))
    settle(attempts)
    pid = os.fork()
    if pid == 0:
        try:
            attempts.start()
            recorder.end(recorder.begin(sending(3)), ending(500))
            attempts.close()
        finally:
            os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    attempts.close()
    after = opened(tmp_path)
    found = {(each.attempt.position, each.attempt.status) for each in everything(after).attempts}
    assert found == {(1, 204), (2, None), (3, 500)}
    assert len(everything(after).attempts) == 3
    after.close()
