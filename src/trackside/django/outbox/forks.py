"""SQLite and forks: a fork waits until the relay's thread is not inside of SQLite.

SQLite has locks that a whole process shares (for memory, for opening and closing files). A child that is forked while
another thread holds one would wait for it for ever, at its first own statement.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db.backends.base.base import BaseDatabaseWrapper

FORK_WAIT_S = 1.0
"""Who forks within a transaction may be what the relay waits for."""


class _Turns:
    """Either a statement of the relay, or a fork."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._forking = False
        os.register_at_fork(before=self._before, after_in_parent=self._after, after_in_child=self._in_child)

    def _before(self) -> None:
        self._forking = self.lock.acquire(timeout=FORK_WAIT_S)

    def _after(self) -> None:
        if self._forking:
            self.lock.release()

    def _in_child(self) -> None:
        self.lock = threading.Lock()


_turns = _Turns()


@contextmanager
def kept_from_forks(connection: BaseDatabaseWrapper | None) -> Iterator[None]:
    """Let no fork happen while the block uses `connection`, where that is one of SQLite."""
    if connection is None or connection.vendor != "sqlite":
        yield
        return
    with _turns.lock:
        yield
