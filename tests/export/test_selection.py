"""What is read of the log: the positions, names and people asked for, and how much at a time."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from trackside.config.settings import LogSettings
from trackside.event import NameFilter
from trackside.export.selection import PAGE_BYTES, Selection, pages
from trackside.log.memory import MemoryLog
from trackside.log.person import Finder, Person
from trackside.log.sqlite import SQLiteLog
from trackside.testing.log_values import NOON, append, make_event


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SQLiteLog]:
    made = SQLiteLog(tmp_path, LogSettings(retention_s=3_600), clock=lambda: NOON)
    yield made
    made.close()


def of_user(user_id: str) -> Finder:
    return Finder(Person(user_ids=frozenset([user_id])))


def found(log: SQLiteLog | MemoryLog, first: int, last: int, **rest: Any) -> tuple[list[int], int, int]:
    """Return the positions, the last `through`, and how many are gone."""
    read = list(pages(log, Selection(first=first, last=last, **rest)))
    positions = [position for page in read for position in page.positions]
    return positions, read[-1].through if read else first - 1, sum(page.gone for page in read)


def test_first_and_last_are_both_in_it(log: SQLiteLog) -> None:
    append(log, *map(make_event, range(1, 301)))
    assert found(log, 1, 300) == (list(range(1, 301)), 300, 0)
    assert found(log, 51, 250) == (list(range(51, 251)), 250, 0)
    assert found(log, 7, 7) == ([7], 7, 0)
    assert found(log, 301, 300) == ([], 300, 0)


def test_what_comes_meanwhile_is_not_in_it(log: SQLiteLog) -> None:
    """It ends at the end asked for, however fast others write."""
    append(log, *map(make_event, range(1, 101)))
    seen: list[int] = []
    for page in pages(log, Selection(first=1, last=100)):
        seen += page.positions
        append(log, *map(make_event, range(1_000 + 100 * len(seen), 1_100 + 100 * len(seen))))
    assert seen == list(range(1, 101))


def test_at_most_so_many(log: SQLiteLog) -> None:
    """It ends at the last of them, so that the next export begins behind it."""
    append(log, *(make_event(number, name="ab"[number % 2]) for number in range(1, 301)))
    assert found(log, 1, 300, limit=0) == ([], 0, 0)
    assert found(log, 1, 300, limit=120) == (list(range(1, 121)), 120, 0)
    assert found(log, 1, 300, limit=2, names=NameFilter(["a"])) == ([2, 4], 4, 0)
    assert found(log, 1, 300, limit=300) == (list(range(1, 301)), 300, 0)


def test_names_and_people_together(log: SQLiteLog) -> None:
    append(
        log,
        *(
            replace(make_event(number, name="ab"[number % 2]), user_id=str(number % 3))
            for number in range(1, 13)
        ),
    )
    assert found(log, 1, 12, person=of_user("0"))[0] == [3, 6, 9, 12]
    assert found(log, 1, 12, person=of_user("0"), names=NameFilter(["a"])) == ([6, 12], 12, 0)


def test_what_was_erased(log: SQLiteLog) -> None:
    """It keeps its place, as in the log, or is left out; it is nobody's."""
    append(log, *(replace(make_event(number), user_id="7") for number in range(1, 6)))
    log.erase([2, 4])
    assert found(log, 1, 5) == ([1, 2, 3, 4, 5], 5, 0)
    assert found(log, 1, 5, erased=False) == ([1, 3, 5], 5, 0)
    assert found(log, 1, 5, erased=False, limit=2) == ([1, 3], 3, 0)
    assert found(log, 1, 5, person=of_user("7")) == ([1, 3, 5], 5, 0)


@pytest.mark.parametrize("names", [None, NameFilter(["Lesson *"])])
def test_what_retention_removes_meanwhile_is_counted(log: SQLiteLog, names: NameFilter | None) -> None:
    """And what was read before it was removed is not."""
    for number in range(1, 301):
        append(log, make_event(number, received_at=NOON + timedelta(seconds=number)))
    read = pages(log, Selection(first=1, last=290, names=names))
    first = list(next(read).positions)
    log.maintain(NOON + timedelta(seconds=3_600 + 201))
    rest = [(list(page.positions), page.gone) for page in read]
    assert first == list(range(1, len(first) + 1))
    assert [position for positions, _ in rest for position in positions] == list(range(201, 291))
    assert sum(gone for _, gone in rest) == 200 - len(first)


def test_all_of_it_removed_meanwhile(log: SQLiteLog) -> None:
    for number in range(1, 301):
        append(log, make_event(number))
    read = pages(log, Selection(first=1, last=290))
    first = len(next(read).positions)
    log.maintain(datetime(2100, 1, 1, tzinfo=UTC))
    (rest,) = read
    assert (list(rest.positions), rest.through, rest.gone) == ([], 290, 290 - first)


def test_large_events_make_small_pages() -> None:
    """What is in memory does not grow with the events' size."""
    log = MemoryLog(LogSettings(engine="memory"))
    large = b'"' + b"x" * (PAGE_BYTES // 4) + b'"'
    append(log, *(make_event(number, data=large) for number in range(80)))
    append(log, *(make_event(number) for number in range(100, 3_100)))
    sizes = [len(page.events) for page in pages(log, Selection(first=1, last=3_080))]
    assert sum(sizes) == 3_080
    assert sizes[0] == 50
    assert set(sizes[1:8]) == {3}
    assert max(sizes) == 1_000
    log.close()
