"""How the steps of subscriptions become durable: each alone, or those of many workers together."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol

from msgspec.structs import replace

from trackside.delivery.timing import Timing
from trackside.log.base import Log
from trackside.log.subscription import Progress, Subscription

Note = Callable[[], str | None]
"""Returns the destination's note; raises where what was sent cannot be secured."""


class Keeping(Protocol):
    """Keeps steps durably."""

    async def keep(self, subscription: Subscription, progress: Progress, note: Note) -> None:
        """Keep the step with the destination's note. Raises StorageError, and what `note` raises."""
        ...


class Alone:
    """Keeps each step in a transaction of its own, in a thread: `note` may block."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing

    async def keep(self, subscription: Subscription, progress: Progress, note: Note) -> None:
        """Keep the step."""

        def work() -> None:
            subscription.advance(replace(progress, checkpoint=note()), now=self._timing.now())

        await asyncio.to_thread(work)


class Together:
    """Keeps the steps of many in one transaction; those that come meanwhile share the next. `note` must not block."""

    def __init__(self, log: Log, timing: Timing) -> None:
        self._log = log
        self._timing = timing
        self._steps: list[tuple[Subscription, Progress]] = []
        self._kept: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None

    async def keep(self, subscription: Subscription, progress: Progress, note: Note) -> None:
        """Keep the step."""
        await self.keep_all([(subscription, replace(progress, checkpoint=note()))])

    async def keep_all(self, steps: Iterable[tuple[Subscription, Progress]]) -> None:
        """Keep these steps, after those that wait already. Raises StorageError."""
        self._steps += steps
        if self._kept is None:
            self._kept = asyncio.get_running_loop().create_future()
        kept = self._kept
        if self._task is None:
            self._task = asyncio.create_task(self._work())
        await asyncio.shield(kept)  # one that is cancelled must not take the others' with it

    async def _work(self) -> None:
        try:
            while (kept := self._kept) is not None:
                steps, self._steps, self._kept = self._steps, [], None
                try:
                    await asyncio.to_thread(self._log.advance_all, steps, now=self._timing.now())
                except Exception as error:  # noqa: BLE001  # told to those whose steps they were
                    kept.set_exception(error)
                    kept.exception()  # it may be that none of them waits any more
                else:
                    kept.set_result(None)
        finally:
            self._task = None
