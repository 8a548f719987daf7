"""What a statement does to the events that wait for their INSERT."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper

from trackside.django.outbox.statements import Effect, effect_of, has_rolled_back


def connection(**attributes: Any) -> BaseDatabaseWrapper:
    """Return what looks enough like a connection."""
    return cast("BaseDatabaseWrapper", SimpleNamespace(**{"commit_on_exit": True, **attributes}))


@pytest.mark.parametrize(
    ("sql", "effect"),
    [
        ("SELECT 1", Effect.NONE),
        ("  insert into item (name) values (%s)", Effect.NONE),
        ("UPDATE item SET name = 'x';", Effect.NONE),
        ("WITH some AS (SELECT 1) DELETE FROM item", Effect.NONE),
        ("RELEASE SAVEPOINT a", Effect.NONE),
        ("SAVEPOINT a", Effect.BOUNDARY),
        ("COMMIT", Effect.BOUNDARY),
        ("END", Effect.BOUNDARY),
        ("ALTER TABLE item ADD size INTEGER", Effect.BOUNDARY),
        ("CALL something()", Effect.BOUNDARY),
        ("UPDATE item SET name = 'x'; COMMIT", Effect.BOUNDARY),
        ("/* from a view */ SELECT 1", Effect.BOUNDARY),
        ("", Effect.BOUNDARY),
        (b"SELECT 1", Effect.BOUNDARY),
        ("ROLLBACK", Effect.ROLLBACK),
        ("rollback to savepoint a ;", Effect.ROLLBACK),
        ("ABORT", Effect.ROLLBACK),
    ],
)
def test_what_is_not_known_to_be_harmless_is_a_boundary(sql: Any, effect: Effect) -> None:
    assert effect_of(sql, connection()) is effect


def test_the_end_of_a_savepoint_may_be_a_commit_in_manual_transactions() -> None:
    assert effect_of("RELEASE SAVEPOINT a", connection(commit_on_exit=False)) is Effect.BOUNDARY


@pytest.mark.parametrize(("code", "ended"), [(1213, True), (1020, True), (1064, False), (1062, False)])
def test_mysql_ends_the_transaction_after_a_deadlock(code: int, ended: bool) -> None:
    assert has_rolled_back(connection(vendor="mysql"), OperationalError(code, "")) is ended


@pytest.mark.parametrize("ended", [False, True])
def test_sqlite_tells_itself(ended: bool) -> None:
    driver = SimpleNamespace(in_transaction=not ended)
    here = connection(vendor="sqlite", in_atomic_block=True, connection=driver)
    assert has_rolled_back(here, OperationalError("disk I/O error")) is ended


def test_an_error_of_the_application_ends_nothing() -> None:
    assert not has_rolled_back(connection(vendor="mysql"), ValueError())
    assert not has_rolled_back(connection(vendor="postgresql"), OperationalError())


def test_a_lock_timeout_ends_what_the_server_is_configured_to_end(connection: BaseDatabaseWrapper) -> None:
    if connection.vendor != "mysql":
        pytest.skip("a setting of MySQL and MariaDB")
    assert not has_rolled_back(connection, OperationalError(1205, "Lock wait timeout exceeded"))
