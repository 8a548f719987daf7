"""Where the database ends a transaction by itself, the application is told, and no event tells otherwise."""

import threading
from typing import Any

import pytest
from django.db import InternalError, OperationalError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from tests.django.outbox.databases import ALIAS
from tests.django.outbox.shop import INSERT, Shop, insert
from trackside import tracker


def test_a_deadlock_that_the_application_passes_over(shop: Shop, vendor: str) -> None:
    """MariaDB rolls everything back and begins anew; events from before go with their rows."""
    if vendor != "mysql":
        pytest.skip("only MySQL and MariaDB go on after a deadlock")
    insert("left")
    insert("right")
    right_locked, left_locked = threading.Event(), threading.Event()

    def other() -> None:
        try:
            with transaction.atomic(ALIAS):
                for number in range(50):  # who has changed less is rolled back
                    insert(f"other {number}")
                lock("right")
                right_locked.set()
                left_locked.wait(10)
                lock("left")
        finally:
            connections[ALIAS].close()

    def lock(name: str) -> None:
        with connections[ALIAS].cursor() as cursor:
            cursor.execute("SELECT name FROM item WHERE name = %s FOR UPDATE", [name])

    thread = threading.Thread(target=other)
    with transaction.atomic(ALIAS):
        shop.sell("before")
        lock("left")
        thread.start()
        assert right_locked.wait(10)
        left_locked.set()
        with pytest.raises(OperationalError) as deadlock:
            lock("right")
        assert deadlock.value.args[0] == 1213
        shop.sell("since")
    thread.join()
    shop.relay()
    assert shop.logged() == ["since"]
    assert "before" not in shop.sold()
    assert "since" in shop.sold()


@pytest.mark.parametrize("nested", [False, True])
def test_a_transaction_that_ends_during_the_outboxes_own_insert_does_not_commit(
    shop: Shop, connection: BaseDatabaseWrapper, nested: bool
) -> None:
    """A commit that succeeded would tell the application that its rows are there."""

    def deadlocked(execute: Any, sql: str, *args: Any) -> Any:
        if INSERT in sql:
            connection.connection.rollback()
            raise OperationalError(1213, "Deadlock found")
        return execute(sql, *args)

    with pytest.raises(OperationalError, match="Deadlock"), transaction.atomic(ALIAS):  # noqa: PT012
        shop.sell("apple")
        connection.execute_wrappers.append(deadlocked)
        if nested:
            with transaction.atomic(ALIAS):
                insert("pear")
    connection.execute_wrappers.remove(deadlocked)
    with transaction.atomic(ALIAS):
        shop.sell("plum")
    assert shop.logged() == shop.sold() == ["plum"]


def test_an_interrupt_during_the_insert_does_not_commit(shop: Shop, connection: BaseDatabaseWrapper) -> None:
    """Nobody knows then what the database has seen."""

    def interrupted(execute: Any, sql: str, *args: Any) -> Any:
        if INSERT in sql:
            connection.execute_wrappers.remove(interrupted)
            raise KeyboardInterrupt
        return execute(sql, *args)

    connection.execute_wrappers.append(interrupted)
    with pytest.raises(KeyboardInterrupt), transaction.atomic(ALIAS):
        shop.sell("apple")
    connection.execute_wrappers.append(interrupted)
    with pytest.raises(InternalError, match="interrupted"), transaction.atomic(ALIAS):  # noqa: PT012
        shop.sell("pear")
        with pytest.raises(KeyboardInterrupt):
            transaction.savepoint(ALIAS)
    with transaction.atomic(ALIAS):
        shop.sell("plum")
    assert shop.logged() == shop.sold() == ["plum"]


def test_a_full_memory_is_emptied_into_rows_without_harm(shop: Shop, connection: BaseDatabaseWrapper) -> None:
    """An emit that finds the transaction lost says nothing; the commit does."""

    def deadlocked(execute: Any, sql: str, *args: Any) -> Any:
        if INSERT in sql:
            connection.connection.rollback()
            raise OperationalError(1213, "Deadlock found")
        return execute(sql, *args)

    with pytest.raises(OperationalError, match="Deadlock"), transaction.atomic(ALIAS):  # noqa: PT012
        connection.execute_wrappers.append(deadlocked)
        insert("apple")
        for number in range(1_001):
            tracker.emit(f"event {number}", on_commit=True)
    connection.execute_wrappers.remove(deadlocked)
    assert shop.logged() == shop.sold() == []
