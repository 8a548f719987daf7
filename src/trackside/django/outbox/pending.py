"""The events of one connection's transaction until they are rows in it.

They wait in memory and become one INSERT at the last moment at which the database still decides about them:
before COMMIT, before a savepoint begins (a later rollback to it must not undo them), and before any statement
that is not known to leave the transaction alone. Every savepoint is therefore older than every event in
memory, so that a rollback to whichever savepoint means: these events never were.
"""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from django.db import Error, InternalError
from django.db.backends.base.base import BaseDatabaseWrapper

from trackside.django.outbox.rows import INSERT_CHARS, Row, chunks, insert_statement
from trackside.django.outbox.statements import (
    Effect,
    effect_of,
    has_rolled_back,
    is_refused,
    is_undone,
    run_apart,
)
from trackside.telemetry import catalogue

logger = logging.getLogger("trackside.outbox")

KEPT_ROWS = 1_000
"""So many events wait in memory at most; a transaction with more becomes several INSERTs."""
_ATTRIBUTE = "trackside_pending_rows"

Execute = Callable[[str, Any, bool, dict[str, Any]], Any]


class PendingRows:
    """Ties rows to the current transaction of one connection, from `add` to its end."""

    def __init__(
        self,
        connection: BaseDatabaseWrapper,
        *,
        unstored: Callable[[Sequence[Row]], None],
        committed: Callable[[BaseDatabaseWrapper], None],
        hook: Callable[[BaseDatabaseWrapper], None],
    ) -> None:
        """`unstored` is called after the commit with rows that could not be inserted, `committed` after a commit
        with rows, while the connection is still busy with it, `hook` when Django runs the hooks of a commit.
        """
        self._connection = connection
        self._unstored = unstored
        self._committed = committed
        self._hook = hook
        self._rows: list[Row] = []
        self._chars = 0
        self._driver: object = None
        self._inserting = False
        self._inserted = False
        self._doom: BaseException | None = None
        self._watcher = self._execute
        for name in ("_commit", "_rollback", "_close", "_set_autocommit"):
            vars(connection)[name] = partial(getattr(self, name), getattr(connection, name))
        vars(connection)[_ATTRIBUTE] = self

    def add(self, row: Row, *, batch: bool) -> None:
        """Make `row` part of the transaction, now or, with `batch`, in time before it ends."""
        if self._rows and self._driver is not self._connection.connection:
            self.discard()  # they belong to a connection that was lost
        if not self._rows:
            self._driver = self._connection.connection
            self._connection.execute_wrappers.insert(0, self._watcher)
            self.after_commit(partial(self._hook, self._connection))
        self._rows.append(row)
        self._chars += len(row.body)
        if not batch or len(self._rows) >= KEPT_ROWS or self._chars >= INSERT_CHARS:
            self.flush()

    def after_commit(self, action: Callable[[], None]) -> None:
        """Run `action` once this transaction has committed, unless a savepoint of now is rolled back.

        Django's `on_commit` refuses this while a commit is under way.
        """

        def act() -> None:
            # Django's own guard wants a name of every function that fails
            try:
                action()
            except Exception:  # the border: the application has committed and goes on
                logger.exception("The outbox failed after a commit")

        connection = self._connection
        connection.run_on_commit.append((set(connection.savepoint_ids), act, True))  # type: ignore[arg-type]  # the stubs lack `robust`

    def flush(self) -> None:
        """Turn what waits in memory into rows of the transaction. Raises nothing that a database does."""
        if self._connection.needs_rollback:
            return  # Django refuses every statement; the rollback will find the rows in memory
        rows, current = self._rows, self._driver is self._connection.connection
        self.discard()
        if rows and current:
            self._inserting = True
            try:
                self._insert(rows)
            except BaseException as error:  # an interrupt: nobody knows what the database has seen
                self._doom = error
                raise
            finally:
                self._inserting = False

    def discard(self) -> None:
        """Forget what waits in memory."""
        if self._rows:
            self._rows, self._chars, self._driver = [], 0, None
            self._connection.execute_wrappers.remove(self._watcher)

    def _insert(self, rows: Sequence[Row]) -> None:
        """Write `rows`; what cannot be written, while the transaction lives on, is sent after its commit."""
        for chunk in chunks(rows):
            try:
                run_apart(self._connection, *insert_statement(chunk))
            except Exception as error:  # noqa: BLE001  # an execute wrapper may raise anything
                if is_refused(error):
                    return  # after an error that the application passed over: its COMMIT will be a rollback
                if not is_undone(self._connection, error):
                    # All that the application did in this transaction is gone. A commit that succeeded now would
                    # tell it otherwise.
                    self._doom = error
                    return
                self._store_later(chunk, error)
            else:
                self._inserted = True
                catalogue.OUTBOX_ROWS.add(len(chunk))

    def _store_later(self, rows: Sequence[Row], error: Exception) -> None:
        logger.error(
            "Events could not become rows; this process sends them after the commit",
            extra={"events": len(rows), "error": type(error).__name__, "database": self._connection.alias},
        )
        self.after_commit(partial(self._unstored, rows))

    def _execute(self, execute: Execute, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        """Stand before every statement while events wait; an execute wrapper."""
        if self._inserting or not self._rows:
            return execute(sql, params, many, context)
        effect = effect_of(sql, self._connection)
        if effect is Effect.BOUNDARY:
            self.flush()
            self._refuse_if_doomed()
        try:
            result = execute(sql, params, many, context)
        except Exception as error:
            if has_rolled_back(self._connection, error):
                self.discard()
            raise
        if effect is Effect.ROLLBACK:
            self.discard()
        return result

    def _commit(self, commit: Callable[[], Any]) -> Any:
        if self._rows:
            self.flush()
        self._refuse_if_doomed()
        inserted, self._inserted = self._inserted, False
        result = commit()
        if inserted:
            self._committed(self._connection)
        return result

    def _rollback(self, rollback: Callable[[], Any]) -> Any:
        self._forget_transaction()
        return rollback()

    def _close(self, close: Callable[[], Any]) -> Any:
        self._forget_transaction()
        return close()

    def _set_autocommit(self, set_autocommit: Callable[[bool], Any], autocommit: bool) -> Any:
        """Stand before a change of autocommit, which commits in MySQL."""
        if autocommit and self._doom is not None:
            self._connection.rollback()
        elif autocommit and self._rows:
            self.flush()
        return set_autocommit(autocommit)

    def _forget_transaction(self) -> None:
        self.discard()
        self._inserted = False
        self._doom = None

    def _refuse_if_doomed(self) -> None:
        if self._doom is not None:
            if isinstance(self._doom, Error):
                raise self._doom
            raise InternalError("the transaction is lost: an INSERT was interrupted") from self._doom


def pending_rows(connection: BaseDatabaseWrapper) -> PendingRows | None:
    """Return what was made for this connection, or None."""
    found = vars(connection).get(_ATTRIBUTE)
    return found if isinstance(found, PendingRows) else None
