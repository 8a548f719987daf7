"""One relay at a time for each database: a lock that nobody keeps beyond the end of its process."""

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path

from django.db import Error, IntegrityError, OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper

_FIND = "SELECT name FROM trackside_outbox_lock WHERE name = 'relay'"
_MAKE = "INSERT INTO trackside_outbox_lock (name) VALUES ('relay')"

Lock = Callable[[BaseDatabaseWrapper], AbstractContextManager[bool]]
"""Gives True where the caller is the only relay while the block runs, False where another one is; never waits.

Changes that the block makes through the connection are committed together at its end.
"""


def lock_for(connection: BaseDatabaseWrapper) -> Lock:
    """Return how relays of this connection's database keep apart."""
    if connection.in_atomic_block:
        return _no_lock
    if connection.vendor == "sqlite":
        return _file_lock
    return _row_lock


@contextmanager
def transaction_on(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Commit what the block does through `connection`, which is nobody else's, or roll it back.

    Django's `atomic` knows connections by their alias only.
    """
    connection.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
    try:
        yield
        connection.commit()
    except BaseException:
        with suppress(Error):  # the connection may be what failed
            connection.rollback()
        raise
    finally:
        try:
            connection.set_autocommit(True)
        except Error:
            connection.close()


def _no_lock(connection: BaseDatabaseWrapper) -> AbstractContextManager[bool]:  # noqa: ARG001
    """A test's transaction sees rows that nobody else can see."""
    return nullcontext(enter_result=True)


@contextmanager
def _row_lock(connection: BaseDatabaseWrapper) -> Iterator[bool]:
    """Hold the lock row in a transaction; the database gives it back when the connection ends."""
    with transaction_on(connection):
        held = _lock_row(connection)
        if held is not None:
            yield held
            return
    # Nobody has ever made the row, or a test emptied all tables. It is there for all before one locks it:
    # whoever inserts it in a transaction keeps the others waiting.
    with suppress(IntegrityError), connection.cursor() as cursor:
        cursor.execute(_MAKE)
    with transaction_on(connection):
        yield bool(_lock_row(connection))


def _lock_row(connection: BaseDatabaseWrapper) -> bool | None:
    """Return whether the row is ours now; None where there is none."""
    skip = connection.features.has_select_for_update_skip_locked
    with connection.cursor() as cursor:
        try:
            cursor.execute(f"{_FIND} {connection.ops.for_update_sql(nowait=not skip, skip_locked=skip)}")
        except OperationalError:
            if skip:
                raise
            return False  # NOWAIT, in a database that knows no SKIP LOCKED
        if cursor.fetchone() is not None:
            return True
        cursor.execute(_FIND)
        return False if cursor.fetchone() is not None else None


_in_process: dict[str, threading.Lock] = {}


def _forget_locks() -> None:
    _in_process.clear()


os.register_at_fork(after_in_child=_forget_locks)


@contextmanager
def _file_lock(connection: BaseDatabaseWrapper) -> Iterator[bool]:
    """Lock a file beside the database: a lock in the database would keep out all who write, while events move.

    The kernel gives it back when the process ends. It is not a child's after a fork, as `flock` would be.
    """
    name = str(connection.settings_dict["NAME"])
    # the kernel's lock does not keep threads of one process apart
    mine = _in_process.setdefault(name, threading.Lock())
    if not mine.acquire(blocking=False):
        yield False
        return
    try:
        if name.startswith("file:") or ":memory:" in name:
            yield True  # of this process alone
            return
        fd = os.open(Path(f"{name}-trackside-relay"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            yield _locked(fd)
        finally:
            os.close(fd)
    finally:
        mine.release()


def _locked(fd: int) -> bool:
    try:
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
