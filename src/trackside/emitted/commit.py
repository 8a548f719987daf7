"""Who waits for an emitted event to be durable."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol


class CommitWaiter(Protocol):
    """Something durable under way."""

    def wait(self, timeout_s: float) -> bool:
        """Return True once it is durable; False where it failed, or is not by then."""
        ...


_waiters: ContextVar[list[CommitWaiter] | None] = ContextVar("trackside_commit_waiters", default=None)

commit_waiters = _waiters.get
"""Return the list to append a waiter to, or None where nobody waits for the commit."""


@contextmanager
def waiting_for_commit() -> Iterator[list[CommitWaiter]]:
    """Collect, while the block runs, the waiters of everything that backends begin to make durable."""
    waiters: list[CommitWaiter] = []
    token = _waiters.set(waiters)
    try:
        yield waiters
    finally:
        _waiters.reset(token)
