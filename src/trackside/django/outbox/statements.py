"""What a statement does to the transaction it is part of."""

from collections.abc import Sequence
from enum import Enum
from typing import Any

from django.db import Error
from django.db.backends.base.base import BaseDatabaseWrapper


class Effect(Enum):
    """What has to happen to events that wait in memory for their INSERT."""

    NONE = "none"
    """It changes rows, or reads them: the events may go on waiting."""
    BOUNDARY = "boundary"
    """It begins a savepoint, ends the transaction, or nobody can tell: the events become rows before it."""
    ROLLBACK = "rollback"
    """It undoes what came after a savepoint, or all: once it has succeeded, the events never were."""


_ORDINARY = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "REPLACE", "MERGE"})
_ROLLBACKS = frozenset({"ROLLBACK", "ABORT"})

_MYSQL_ROLLED_BACK = frozenset({1020, 1206, 1213, 1613, 1614})
"""Errors after which MySQL and MariaDB have rolled the whole transaction back: a deadlock and its kin.

Source: InnoDB's error handling, MySQL 8.4 and MariaDB 11 manuals, read November 2026.
"""
_MYSQL_LOCK_TIMEOUT = 1205
_UNDO_ONE = frozenset({"sqlite", "mysql"})
"""Databases that undo a statement that failed, and nothing else."""
_IN_TRANSACTION = 2
"""What PostgreSQL's drivers call a transaction without an error (libpq's PQTRANS_INTRANS)."""
_ABORTED = "25P02"
"""PostgreSQL's code for a statement that comes after an error, in a transaction that can only be rolled back."""


def effect_of(sql: Any, connection: BaseDatabaseWrapper) -> Effect:
    """Return what `sql` does; what is not known to be harmless counts as a boundary."""
    if not isinstance(sql, str):
        return Effect.BOUNDARY
    text = sql.strip().rstrip("; ")
    word = text[:12].split(None, 1)[0].upper() if text else ""
    if ";" in text:
        return Effect.BOUNDARY
    if word in _ORDINARY:
        return Effect.NONE
    if word in _ROLLBACKS:
        return Effect.ROLLBACK
    if word == "RELEASE" and connection.commit_on_exit:
        return Effect.NONE
    return Effect.BOUNDARY


def has_rolled_back(connection: BaseDatabaseWrapper, error: Exception) -> bool:
    """Return whether the database ended the transaction by itself when a statement failed with `error`.

    PostgreSQL does not: it refuses everything until the application rolls back.
    """
    if not isinstance(error, Error):
        return False
    if connection.vendor == "sqlite":
        # without BEGIN (autocommit off) there may not have been a transaction yet
        begun = connection.in_atomic_block and connection.commit_on_exit
        return begun and not getattr(connection.connection, "in_transaction", False)
    if connection.vendor == "mysql":
        code = error.args[0] if error.args else None
        return code in _MYSQL_ROLLED_BACK or (code == _MYSQL_LOCK_TIMEOUT and _timeout_rolls_back(connection))
    return False


def _timeout_rolls_back(connection: BaseDatabaseWrapper) -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT @@innodb_rollback_on_timeout")
            return bool(cursor.fetchone()[0])
    except Error:  # off is the default
        return False


_SAVEPOINT = "trackside_outbox"
_APART = f"SAVEPOINT {_SAVEPOINT}; %s; RELEASE SAVEPOINT {_SAVEPOINT}"


def run_apart(connection: BaseDatabaseWrapper, sql: str, values: Sequence[Any]) -> None:
    """Execute a statement of ours in the application's transaction, so that its failure can be undone alone.

    PostgreSQL needs a savepoint for that. It goes along with the statement, so that it costs no time on the network.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite" and not getattr(connection.connection, "in_transaction", True):
            cursor.execute("BEGIN")  # else the statement would commit at once
        if connection.vendor in _UNDO_ONE:
            cursor.execute(sql, values)
        elif getattr(connection.features, "uses_server_side_binding", False):
            cursor.execute(connection.ops.savepoint_create_sql(_SAVEPOINT))
            cursor.execute(sql, values)
            cursor.execute(connection.ops.savepoint_commit_sql(_SAVEPOINT))
        else:
            cursor.execute(_APART % sql, values)


def is_refused(error: Exception) -> bool:
    """Return whether PostgreSQL takes no statement in this transaction any more, for an earlier error."""
    cause = error.__cause__
    return _ABORTED in (getattr(cause, "sqlstate", None), getattr(cause, "pgcode", None))


def is_undone(connection: BaseDatabaseWrapper, error: Exception) -> bool:
    """Make what `run_apart` did undone where it failed with `error`; return whether the transaction lives on."""
    if connection.vendor == "sqlite":
        return bool(getattr(connection.connection, "in_transaction", False))
    if connection.vendor in _UNDO_ONE:
        return not has_rolled_back(connection, error)
    info = getattr(connection.connection, "info", None)
    if getattr(info, "transaction_status", None) == _IN_TRANSACTION:
        return True  # nothing has failed there: it was an execute wrapper that raised
    try:
        with connection.cursor() as cursor:
            cursor.execute(connection.ops.savepoint_rollback_sql(_SAVEPOINT))
            cursor.execute(connection.ops.savepoint_commit_sql(_SAVEPOINT))
    except Exception:  # noqa: BLE001  # an execute wrapper may raise anything
        return False
    return True
