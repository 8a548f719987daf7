"""What goes, and how what stays is found."""

import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.attempts.tools import opened, settle
from trackside.attempts.base import Query
from trackside.attempts.sqlite import SQLiteAttempts, keys
from trackside.sqlite.space import used_bytes
from trackside.testing.attempt_contract import NOON, ending, sending


def record(attempts: SQLiteAttempts, first: int, last: int, **fields: Any) -> None:
    recorder = attempts.recorder("crm")
    for number in range(first, last + 1):
        recorder.end(recorder.begin(sending(number, **fields)), ending())
        if number % 100 == 0:
            settle(attempts)
    settle(attempts)


def used(attempts: SQLiteAttempts) -> int:
    with attempts._database.reading() as connection:
        return used_bytes(connection)


class Small:
    """Settings with a bound that is too small to be configured."""

    keep_s = 10**9

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes


def test_above_its_size_the_oldest_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as needed, with everything that leads to them."""
    attempts = opened(tmp_path)
    attempts.start()
    for number in range(1, 201):
        record(attempts, number, number, body=random.Random(number).randbytes(4_000))
    before = used(attempts)
    assert attempts.maintain(NOON) == 0
    monkeypatch.setattr(attempts, "_settings", Small(before // 2))
    removed = attempts.maintain(NOON)
    assert 0 < removed < 200
    assert used(attempts) <= before // 2
    left = attempts.page(Query(), limit=1_000).attempts
    assert [each.id for each in left] == list(range(200, removed, -1))
    assert attempts.page(Query(position=1)).attempts == []
    with attempts._database.reading() as connection:
        for table in ("marks", "recent_keys"):
            (oldest,) = connection.execute(f"SELECT min(first) FROM {table}").fetchone()
            assert oldest == removed + 1
    attempts.close()


def test_an_event_is_found_among_sorted_and_unsorted_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By id and by position, each attempt once, before and after the keys were sorted and some removed."""
    monkeypatch.setattr(keys, "SPAN", 256)
    attempts = opened(tmp_path)
    attempts.start()
    record(attempts, 1, 600)
    record(attempts, 1, 600, began_at=NOON + timedelta(days=3), number=2)

    def found(number: int) -> list[int]:
        by_id = attempts.page(Query(event_id=f"id-{number}")).attempts
        assert by_id == attempts.page(Query(position=number)).attempts
        return [each.attempt.number for each in by_id]

    assert all(found(number) == [2, 1] for number in range(1, 601, 7))
    assert attempts.maintain(NOON) == 0
    with attempts._database.reading() as connection:
        assert connection.execute("SELECT min(first) FROM recent_keys").fetchone() == (1_024,)
        assert connection.execute("SELECT count(DISTINCT place >> 8) FROM sorted_keys").fetchone() == (4,)
    assert all(found(number) == [2, 1] for number in range(1, 601))
    assert attempts.maintain(NOON + timedelta(days=8)) == 600
    assert all(found(number) == [2] for number in range(1, 601))
    attempts.close()


def test_a_step_is_short(tmp_path: Path) -> None:
    """Other writers get their turn between the steps of a large removal."""
    attempts = opened(tmp_path)
    attempts.start()
    for number in range(1, 301):
        record(attempts, number, number)
    turns = 0
    writing = attempts._database.writing

    def counted() -> object:
        nonlocal turns
        turns += 1
        return writing()

    attempts._database.writing = counted  # type: ignore[method-assign, assignment]
    assert attempts.maintain(NOON + timedelta(days=30)) == 300
    assert turns > 300 / 128
    attempts.close()
