"""The relay: in order, at least once, one at a time; what does not get through is kept, and told why."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from tests.django.outbox.databases import ALIAS
from tests.django.outbox.shop import Shop
from trackside import tracker
from trackside.django.outbox.relay import Relay, Step
from trackside.django.outbox.rows import Row, insert_statement
from trackside.django.outbox.settings import current
from trackside.django.outbox.status import outbox_status
from trackside.emitted import commit_waiters
from trackside.emitted.identity import event_id
from trackside.tracker import TRACKERS, Tracker


class Answer:
    """A waiter whose answer is known."""

    def __init__(self, durable: bool) -> None:
        self.durable = durable

    def wait(self, timeout_s: float) -> bool:
        """Return the answer."""
        return self.durable


class Backend:
    """Keeps names and ids; makes durable what it is told to."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str | None]] = []
        self.refuse: Callable[[str], bool] = lambda _: False
        self.during: Callable[[], object] = lambda: None

    def send(self, event: dict[str, Any]) -> None:
        """Keep `event` and hand out its waiter."""
        self.sent.append((event["name"], event_id()))
        waiters = commit_waiters()
        assert waiters is not None
        waiters.append(Answer(not self.refuse(event["name"])))
        self.during()

    @property
    def names(self) -> list[str]:
        """The names it was sent, in order."""
        return [name for name, _ in self.sent]


@pytest.fixture
def backend(shop: Shop, settings: Any) -> Backend:
    """The only backend of the default tracker; nobody moves rows but the test."""
    settings.TRACKSIDE = {"outbox": {"database": ALIAS, "relay": "command", "relay_events": 4, "attempts": 3}}
    made = Backend()
    TRACKERS["default"] = Tracker({"backend": made})
    return made


def sell(shop: Shop, *names: str) -> None:
    """Sell in one transaction."""
    with transaction.atomic(ALIAS):
        shop.sell(*names)


def test_rows_move_in_order_and_are_deleted(shop: Shop, backend: Backend) -> None:
    names = [f"item {number}" for number in range(10)]
    for first in (0, 5):
        sell(shop, *names[first : first + 5])
    assert shop.relay() == Step(moved=10)
    assert backend.names == names
    assert shop.waiting() == 0
    assert shop.relay() == Step()


def test_a_transaction_that_commits_late_is_not_skipped(shop: Shop, backend: Backend, vendor: str) -> None:
    """Its rows have smaller ids than rows that were moved before they could be seen."""
    if vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    early = connections[ALIAS].copy()
    early.set_autocommit(False)
    with early.cursor() as cursor:
        cursor.execute(*insert_statement([row("early")]))
    sell(shop, "late")
    assert shop.relay().moved == 1
    early.commit()
    early.close()
    assert shop.relay().moved == 1
    assert backend.names == ["late", "early"]


def test_a_transaction_that_is_open_is_not_waited_for(
    shop: Shop, backend: Backend, vendor: str, settings: Any
) -> None:
    """Nobody's row keeps the relay from deleting others, also where the table is so small that it is read whole."""
    if vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    settings.TRACKSIDE = {"outbox": {"database": ALIAS, "relay": "command", "relay_events": 100}}
    sell(shop, *(f"item {number}" for number in range(9)))
    late = connections[ALIAS].copy()
    late.set_autocommit(False)
    with late.cursor() as cursor:
        cursor.execute(*insert_statement([row("late")]))
    try:
        assert shop.relay().moved == 9
    finally:
        late.rollback()
        late.close()


def test_the_same_id_each_time(shop: Shop, backend: Backend) -> None:
    """What was sent before a failure is sent again, under the same id: the log stores it once."""
    sell(shop, "apple", "pear")
    backend.refuse = lambda name: name == "apple"
    assert shop.relay() == Step(moved=1, left=1)
    backend.refuse = lambda _: False
    assert shop.relay() == Step(moved=1)
    assert backend.names == ["apple", "pear", "apple"]
    (first, other, again) = (id_ for _, id_ in backend.sent)
    assert first == again != other
    assert first is not None
    assert len(first) == 32


def test_where_nothing_gets_through_no_event_is_blamed(shop: Shop, backend: Backend) -> None:
    sell(shop, "apple", "pear")
    backend.refuse = lambda _: True
    for _ in range(10):
        assert shop.relay() == Step(left=2)
    backend.refuse = lambda _: False
    assert shop.relay() == Step(moved=2)


def test_an_event_that_never_gets_through_is_set_aside(
    shop: Shop, backend: Backend, connection: BaseDatabaseWrapper
) -> None:
    backend.refuse = lambda name: name == "bad"
    sell(shop, "bad", "apple")
    assert shop.relay() == Step(moved=1, left=1)
    sell(shop, "pear")
    assert shop.relay() == Step(moved=1, left=1)
    sell(shop, "plum")
    assert shop.relay() == Step(moved=1, set_aside=1)
    assert outbox_status(connection).set_aside == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT reason, attempts FROM trackside_outbox_set_aside")
        assert cursor.fetchall() in (
            [("the log did not make it durable", 2)],
            (("the log did not make it durable", 2),),
        )
    assert shop.waiting() == 0


@pytest.mark.parametrize("body", ["", "{", "[]", '{"name": "x"}', '{"name": "x", "timestamp": 7}'])
def test_an_unreadable_row_is_set_aside_at_once(
    shop: Shop, backend: Backend, connection: BaseDatabaseWrapper, body: str
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(*insert_statement([row("bad")._replace(body=body)]))
    sell(shop, "apple")
    assert shop.relay() == Step(moved=1, set_aside=1)
    assert backend.names == ["apple"]


def test_an_event_of_a_tracker_that_is_not_here_waits_for_a_process_that_has_it(
    shop: Shop, backend: Backend
) -> None:
    TRACKERS["other"] = Tracker({"backend": backend})
    with transaction.atomic(ALIAS):
        tracker.get_tracker("other").emit("of the other", on_commit=True)
    other = TRACKERS.pop("other")
    assert shop.relay() == Step(left=1)
    TRACKERS["other"] = other
    assert shop.relay() == Step(moved=1)


def test_a_tracker_that_raises_keeps_its_event(
    shop: Shop, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    sell(shop, "apple")
    router = tracker.get_tracker().routing_backend
    monkeypatch.setattr(router, "send", lambda _: 1 / 0)
    assert shop.relay() == Step(left=1)
    monkeypatch.undo()
    assert shop.relay() == Step(moved=1)


def test_a_backends_own_failing_statements_are_not_the_relays(
    shop: Shop, backend: Backend, connection: BaseDatabaseWrapper
) -> None:
    def use_the_database() -> None:
        with transaction.atomic(ALIAS):
            shop.sell("apple")

    sell(shop, "apple", "pear")
    backend.during = use_the_database  # the second row of that name
    assert shop.relay() == Step(moved=2)


def test_one_relay_at_a_time(shop: Shop, backend: Backend) -> None:
    """While one sends, others see that it is busy and touch nothing."""
    steps: list[Step] = []
    backend.during = lambda: steps.append(shop.relay())
    sell(shop, "apple", "pear")
    assert shop.relay() == Step(moved=2)
    assert steps == [Step(busy=True)] * 2
    assert backend.names == ["apple", "pear"]


def test_the_lock_row_is_made_anew_where_somebody_emptied_the_tables(
    shop: Shop, backend: Backend, connection: BaseDatabaseWrapper
) -> None:
    for _ in range(2):
        sell(shop, *[f"item {number}" for number in range(3)])
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM trackside_outbox_lock")
            cursor.execute("DELETE FROM item")
        assert shop.relay() == Step(moved=3)


def test_a_relay_that_lost_its_connection_leaves_the_rows_and_the_lock(
    shop: Shop, backend: Backend, connection: BaseDatabaseWrapper
) -> None:
    sell(shop, "apple")
    own = connection.copy()
    lost: Any = lambda *_: (_ for _ in ()).throw(OperationalError("gone"))  # noqa: E731
    backend.during = lambda: own.execute_wrappers.append(lost)
    with pytest.raises(OperationalError):
        Relay(own, current()).drain()
    own.close()
    backend.during = lambda: None
    assert shop.relay() == Step(moved=1)


def test_status_tells_how_many_wait_and_for_how_long(
    shop: Shop, backend: Backend, connection: BaseDatabaseWrapper
) -> None:
    assert outbox_status(connection).oldest_s == 0
    with connection.cursor() as cursor:
        cursor.execute(*insert_statement([row("old")._replace(emitted_us=1_000_000)]))
    sell(shop, "apple")
    status = outbox_status(connection, now_s=61.5)
    assert (status.waiting, status.oldest_s) == (2, 60.5)


def row(name: str) -> Row:
    """Return the row of an event."""
    body = f'{{"name": "{name}", "timestamp": "2026-11-01T00:00:00+00:00", "data": {{}}, "context": {{}}}}'
    return Row("0" * 32, "default", 1, body)


def test_several_writers_and_several_relays(
    shop: Shop, settings: Any, django_db_blocker: Any, vendor: str
) -> None:
    """Every committed row is in the log once, each writer's in its order, though all of them meet."""
    settings.TRACKSIDE = {"outbox": {"database": ALIAS, "relay": "command", "relay_events": 7}}
    writing = [threading.Thread(target=write, args=(shop, number)) for number in range(4)]
    stop = threading.Event()
    relaying = [threading.Thread(target=relay_until, args=(shop, stop)) for _ in range(3)]
    for thread in (*writing, *relaying):
        thread.start()
    for thread in writing:
        thread.join()
    stop.set()
    for thread in relaying:
        thread.join()
    logged = shop.logged()
    assert sorted(logged) == shop.sold()
    assert len(logged) == 4 * 20 * 2
    for number in range(4):
        mine = [name for name in logged if name.startswith(f"w{number}")]
        assert mine == sorted(mine)


def write(shop: Shop, writer: int) -> None:
    """Commit 20 transactions and roll back as many."""
    try:
        for number in range(20):
            with transaction.atomic(ALIAS):
                shop.sell(f"w{writer} {number:03d} a", f"w{writer} {number:03d} b")
            with pytest.raises(ZeroDivisionError), transaction.atomic(ALIAS):
                shop.sell(f"w{writer} {number:03d} c", str(1 // 0))
    finally:
        connections[ALIAS].close()


def relay_until(shop: Shop, stop: threading.Event) -> None:
    """Run relays until told to stop and nothing is left."""
    try:
        while True:
            ending = stop.is_set()
            step = shop.relay()
            if ending and not step.busy and not shop.waiting():
                return
            stop.wait(0.001)
    finally:
        connections[ALIAS].close()
