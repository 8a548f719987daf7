"""No process forks while a log is being opened: SQLite's own locks would be taken in the child, and its files open."""

import os
import threading

lock = threading.Lock()
"""Held while a log is opened."""

_FORK_PATIENCE_S = 30.0
_watching = False


def import_engine() -> None:
    """Import the engine, and from then on keep forks and openings apart."""
    global _watching  # noqa: PLW0603  # hooks cannot be taken back
    import trackside.log.sqlite  # noqa: F401  # with its threads and locks: not before it is needed

    if not _watching:
        _watching = True
        # After the engine's own hooks, because the last registered are called first: what is open when the lock
        # has been had, they close.
        os.register_at_fork(before=_acquire, after_in_parent=_release, after_in_child=_begin_anew)


def _acquire() -> None:
    lock.acquire(timeout=_FORK_PATIENCE_S)


def _release() -> None:
    lock.release()


def _begin_anew() -> None:
    global lock  # noqa: PLW0603  # the parent's was taken for the fork
    lock = threading.Lock()
