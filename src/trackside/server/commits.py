"""Brings the log's receipts from its own thread to the event loop: one wake-up a commit, not one a request."""

import asyncio
from collections import deque
from collections.abc import Callable

from trackside.log.base import Receipt


class Commits:
    """Lets a request wait for its commit. Made in the loop it serves."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._finished: deque[tuple[asyncio.Future[Receipt], Receipt]] = deque()
        self._woken = False

    def expect(self) -> "tuple[asyncio.Future[Receipt], Callable[[Receipt], None]]":
        """Return a future and the callback that, called once from any thread, gives it its receipt."""
        future: asyncio.Future[Receipt] = self._loop.create_future()

        def done(receipt: Receipt) -> None:
            self._finished.append((future, receipt))
            if not self._woken:
                self._woken = True
                self._wake()

        return future, done

    def _wake(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._deliver)
        except RuntimeError:  # the loop was closed by a stop that did not wait: nobody is left to be told
            self._finished.clear()

    def _deliver(self) -> None:
        # Cleared before the queue is read: a receipt that comes later schedules another call, at worst an idle one.
        self._woken = False
        finished = self._finished
        while finished:
            future, receipt = finished.popleft()
            if not future.done():
                future.set_result(receipt)
