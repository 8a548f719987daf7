"""How what is recorded comes into the database."""

import random
from pathlib import Path

import msgspec
import pytest

from tests.attempts.tools import opened, settle
from trackside.attempts.base import Query
from trackside.attempts.journal import SUFFIX, Journal
from trackside.telemetry import catalogue
from trackside.testing.attempt_contract import ending, sending


def test_what_takes_long_does_not_stop_the_ring(tmp_path: Path) -> None:
    """An attempt under way while the ring goes round many times is kept with its request, others meanwhile."""
    attempts = opened(tmp_path, ring_bytes=65_536)
    attempts.start()
    recorder = attempts.recorder("crm")
    slow = recorder.begin(sending(1, body=b"slow"))
    for number in range(2, 2_002):
        key = recorder.begin(sending(number, body=bytes(500)))
        assert key is not None
        recorder.end(key, ending())
        if number % 20 == 0:
            settle(attempts)
    recorder.end(slow, ending(504))
    settle(attempts)
    newest = attempts.page(Query(), limit=1).attempts[0].attempt
    assert (newest.position, newest.request_body, newest.status) == (1, b"slow", 504)
    assert len(attempts.page(Query(), limit=10_000).attempts) == 2_001
    attempts.close()


def test_killed_after_a_long_attempt_was_moved_up(tmp_path: Path) -> None:
    """Where the end came, and where it did not: nothing twice, nothing lost."""
    attempts = opened(tmp_path, ring_bytes=65_536)
    attempts.start()
    recorder = attempts.recorder("crm")
    keys = [recorder.begin(sending(number)) for number in (1, 2)]
    for number in range(3, 203):
        recorder.end(recorder.begin(sending(number, body=bytes(500))), ending())
        if number % 20 == 0:
            settle(attempts)
    recorder.end(keys[0], ending(200))
    journal = attempts._writer._journal
    assert journal is not None
    copy = tmp_path / "copy"
    copy.mkdir()
    assert journal.path is not None
    with attempts._writer._emptying:
        (copy / journal.path.name).write_bytes(journal.path.read_bytes())  # as a kill leaves it
        with attempts._database.reading() as connection:
            connection.execute("SELECT 1")
            target = opened(copy)
            rows = connection.execute("SELECT name, read FROM journals").fetchall()
        with target._database.writing() as connection:
            connection.executemany("INSERT INTO journals VALUES (?, ?)", rows)
    target.start()
    found = {each.attempt.position: each.attempt.outcome for each in target.page(Query(), limit=500).attempts}
    assert found[1] == "delivered"
    assert found[2] == "unknown"
    assert set(found.values()) <= {"delivered", "unknown"}
    target.close()
    attempts.close()


def test_a_ring_without_room(tmp_path: Path) -> None:
    """What cannot begin or end is counted, and what could end is kept; the ring is free again afterwards."""
    before = catalogue.ATTEMPTS_DROPPED.value("full")
    attempts = opened(tmp_path, ring_bytes=8_192)
    attempts.start()
    recorder = attempts.recorder("full")
    with attempts._writer._emptying:  # the thread waits
        keys = [recorder.begin(sending(number)) for number in range(1, 101)]
        begun = [key for key in keys if key is not None]
        assert 5 < len(begun) < 50
        for key in begun:
            recorder.end(key, ending(body=bytes(1_000)))
    settle(attempts)
    settle(attempts)
    kept = len(attempts.page(Query()).attempts)
    assert 0 < kept < len(begun)
    assert catalogue.ATTEMPTS_DROPPED.value("full") - before == 100 - kept
    assert attempts._writer._open == {}
    assert attempts._writer._journal is not None
    assert attempts._writer._journal.used == 0
    attempts.close()


def test_a_stop_with_attempts_under_way(tmp_path: Path) -> None:
    """Nobody will tell their end: they are `unknown`, at once."""
    attempts = opened(tmp_path)
    attempts.start()
    attempts.recorder("crm").begin(sending(1))
    attempts.close()
    after = opened(tmp_path)
    (stored,) = after.page(Query()).attempts
    assert stored.attempt.outcome == "unknown"
    after.close()


def test_before_the_start_and_after_the_end_nothing_is_kept(tmp_path: Path) -> None:
    """It is counted as dropped, and raises nothing."""
    attempts = opened(tmp_path)
    recorder = attempts.recorder("early")
    assert recorder.begin(sending(1)) is None
    attempts.start()
    key = recorder.begin(sending(2))
    attempts.close()
    recorder.end(key, ending())
    assert recorder.begin(sending(3)) is None
    assert catalogue.ATTEMPTS_DROPPED.value("early") == 3


@pytest.mark.parametrize("seed", range(20))
def test_a_power_cut_leaves_anything(tmp_path: Path, seed: int) -> None:
    """Whatever stands in the pages of a journal, the store opens, and what it shows can be read."""
    choose = random.Random(seed)
    journal = Journal.create(tmp_path, 20_000)
    journal.close(remove=False)
    attempts = opened(tmp_path)
    attempts._writer.start()
    recorder = attempts.recorder("crm")
    for number in range(1, 30):
        recorder.end(recorder.begin(sending(number)), ending())
    living = attempts._writer._journal
    assert living is not None
    assert living.path is not None
    content = bytearray(living.path.read_bytes()[:30_000])
    for _ in range(choose.randrange(1, 400)):
        content[choose.randrange(8, len(content))] = choose.randrange(256)
    attempts.close()
    (tmp_path / f"attempts-0-torn{SUFFIX}").write_bytes(content)
    again = opened(tmp_path)
    again.start()
    for stored in again.page(Query(), limit=1_000).attempts:
        assert msgspec.json.encode(stored.attempt.began_at)
    assert list(tmp_path.glob("*torn*")) == []
    again.close()


def test_a_commit_does_not_wait_for_the_disk(tmp_path: Path) -> None:
    """It outlives a kill, not a power cut: 1 is SQLite's number for NORMAL."""
    attempts = opened(tmp_path)
    with attempts._database.reading() as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (1,)
    attempts.close()
