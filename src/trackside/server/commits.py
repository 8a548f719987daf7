"""Brings the log's receipts from its own thread to the event loop: one wake-up a commit, not one a request."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from trackside.log.base import Receipt

Told = Callable[[Sequence[Receipt]], None]


class Commits:
    """Tells those who wait for a commit, in the loop it was made in."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._finished: deque[tuple[Told, Sequence[Receipt]]] = deque()
        self._woken = False

    def tell(self, told: Told) -> Told:
        """Return a callback that, called once from any thread, calls `told` with the receipts in the loop."""

        def done(receipts: Sequence[Receipt]) -> None:
            self._finished.append((told, receipts))
            if not self._woken:
                self._woken = True
                self._wake()

        return done

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
            told, receipts = finished.popleft()
            told(receipts)
