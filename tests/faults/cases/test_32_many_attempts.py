"""Case 32: pages of a store of very many attempts, and the removal of old ones while others are written.

200,000 here; `python -m benchmarks.attempts --millions 10` measures ten millions.
"""

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.attempts.tools import opened, settle
from trackside.attempts.base import Query
from trackside.attempts.records import encode_begin, encode_end
from trackside.attempts.sqlite import SQLiteAttempts
from trackside.attempts.sqlite.groups import Pair, keep
from trackside.attempts.sqlite.keys import sort_keys
from trackside.testing.attempt_contract import NOON, ending, sending

pytestmark = pytest.mark.faults

ATTEMPTS = 200_000
FEW = 2_000
AT_ONCE = 1_250
LONGEST_S = 0.05
KEPT = timedelta(days=7)
DESTINATIONS = 20


def pairs(start: int) -> Iterator[Pair]:
    for number in range(start, start + AT_ONCE):
        destination = number % DESTINATIONS
        failed = destination == 0 and number % 1_000 == 0
        began = sending(number, began_at=NOON + timedelta(seconds=number))
        yield (
            encode_begin(number, f"destination-{destination}".encode(), began, bodies=True),
            encode_end(number, ending(503 if failed else 204), bodies=True),
        )


def filled(folder: Path, count: int) -> SQLiteAttempts:
    """Return a store of so many attempts, one a second, as the writer keeps them."""
    folder.mkdir()
    store = opened(folder)
    for start in range(0, count, AT_ONCE):
        with store._database.writing() as connection:
            keep(connection, list(pairs(start)))
            sort_keys(connection, start)
    return store


def page_s(store: SQLiteAttempts, count: int) -> float:
    """Return what a page takes of the CPU at the most, of every kind, from everywhere; the best of three tries each.

    Its file is in memory, so that there is nothing else to wait for.
    """
    slowest_s = 0.0
    asked: list[tuple[Query, int | None]] = [
        *((Query(), before) for before in (None, count // 2, count // 100)),
        *((Query(destination="destination-7"), before) for before in (None, count // 2)),
        *((Query(destination="destination-0", failed=True), before) for before in (None, count // 2)),
        *((Query(status="5xx"), before) for before in (None, count // 2)),
        *((Query(event_id=f"id-{number}"), None) for number in (1, count // 2, count - 1)),
        *((Query(position=number), None) for number in (1, count // 2, count - 1)),
    ]
    for query, before in asked:
        tries = []
        for _ in range(3):
            began_s = time.thread_time()
            page = store.page(query, before=before)
            tries.append(time.thread_time() - began_s)
            assert page.attempts, query
        slowest_s = max(slowest_s, min(tries))
    return slowest_s


def test_32_pages_of_many_attempts(tmp_path: Path) -> None:
    """A page is there at once: among a hundred times as many it does not take a hundred times as long."""
    few, many = filled(tmp_path / "few", FEW), filled(tmp_path / "many", ATTEMPTS)
    try:
        few_s, many_s = page_s(few, FEW), page_s(many, ATTEMPTS)
        assert many_s < LONGEST_S
        assert many_s < max(few_s, 0.001) * 25
        seen, before = 0, None
        for _ in range(200):  # page after page nothing is left out and nothing comes twice
            page = many.page(Query(), before=before)
            ids = [each.id for each in page.attempts]
            assert ids == list(range(ids[0], ids[0] - len(ids), -1))
            assert before is None or ids[0] == before - 1
            seen, before = seen + len(ids), page.before
        assert seen == 10_000
    finally:
        few.close()
        many.close()


def test_32_old_attempts_are_removed_while_others_are_taken_in(tmp_path: Path) -> None:
    """Half of them go in short steps: nobody who records or reads waits for the whole of it."""
    store = filled(tmp_path / "many", ATTEMPTS)
    store.start()
    now = NOON + timedelta(seconds=ATTEMPTS // 2) + KEPT
    removed: list[int] = []
    removing = threading.Thread(target=lambda: removed.append(store.maintain(now)))
    recorder = store.recorder("destination-7")
    waits: list[float] = []
    writes: list[float] = []
    recorded = 0
    removing.start()
    began_s = time.perf_counter()
    while removing.is_alive():
        at = time.perf_counter()
        recorder.end(recorder.begin(sending(ATTEMPTS + recorded, began_at=now)), ending())
        recorded += 1
        waits.append(time.perf_counter() - at)
        settle(store)
        writes.append(time.perf_counter() - at)
        assert store.page(Query(destination="destination-7")).attempts
    whole_s = time.perf_counter() - began_s
    removing.join()
    assert removed[0] == pytest.approx(ATTEMPTS // 2, abs=2 * AT_ONCE)
    assert recorded > 3
    assert sorted(waits)[len(waits) // 2] < LONGEST_S
    assert max(writes) < max(0.5, whole_s / 2)
    assert len(store.page(Query(destination="destination-7"), limit=recorded).attempts) == recorded
    assert store.page(Query(event_id="id-1")).attempts == []
    store.close()
