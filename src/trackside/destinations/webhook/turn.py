"""One `send`: as many requests side by side as the endpoint may have, each user's in order, for a short time."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import Final, Protocol

from trackside.destinations.base import Delivery, Gone, Outcome, Unsent
from trackside.destinations.webhook.pace import Pace
from trackside.outbound.breaker import Breaker

LONGEST_S: Final = 2.0
"""After so long nothing more is begun, so that what was sent is written down: the rest of the page comes again at
once. Longer turns would send more again after a crash; shorter ones wait more often for a slow answer."""

_ENDING: Final = (Gone, Unsent)
"""After these nobody else is asked in this turn."""

Sleep = Callable[[float], Awaitable[None]]


class Plan(Protocol):
    """What the turn asks about its deliveries."""

    def line_of(self, delivery: Delivery) -> str | None:
        """Return what the deliveries that go one after the other have in common; None: it stands alone."""
        ...

    def before(self, delivery: Delivery) -> Outcome | None:
        """Return the outcome of a delivery that nobody needs to be asked about, or None. Does not wait."""
        ...

    async def attempt(self, delivery: Delivery) -> Outcome:
        """Return what came of one attempt, after `before` returned None."""
        ...


class Turn:
    """The deliveries of one `send`, and what came of them so far."""

    def __init__(
        self,
        deliveries: Sequence[Delivery],
        plan: Plan,
        *,
        breaker: Breaker,
        pace: Pace,
        monotonic: Callable[[], float],
        sleep: Sleep,
    ) -> None:
        self._deliveries = deliveries
        self._plan = plan
        self._breaker = breaker
        self._pace = pace
        self._monotonic = monotonic
        self._sleep = sleep
        self._outcomes: list[Outcome | None] = [None] * len(deliveries)
        self._standing, self._behind = _lines(deliveries, plan)
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._until = monotonic() + LONGEST_S
        self._begun = False
        self._over = self._stopped = False
        self._error: BaseException | None = None
        self._loop = (
            asyncio.get_running_loop()
        )  # once: each look at it asks the system who we are (until Python 3.12)

    async def run(self) -> list[Outcome]:
        """Return one outcome for each delivery, in their order."""
        try:
            while True:
                self._begin()
                if not self._tasks:
                    break
                await self._changed.wait()
                self._changed.clear()
        finally:  # cancelled, or something raised: nothing may go on behind the caller's back
            for task in self._tasks:
                task.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._error is not None:
            raise self._error
        left = self._left()
        return [left if outcome is None else outcome for outcome in self._outcomes]

    def _begin(self) -> None:
        """Have as many at work as may be under way now."""
        while len(self._tasks) < self._breaker.width and (taken := self._take()) is not None:
            task = self._loop.create_task(self._work(*taken))
            self._tasks.add(task)
            task.add_done_callback(self._end)

    def _take(self) -> tuple[int, float] | None:
        """Return which delivery is tried next, and in how many s; None where none may be tried now."""
        while self._standing and self._may_go_on():
            index = self._standing.popleft()
            held = self._plan.before(self._deliveries[index])
            if held is None:
                self._begun = True
                return index, self._pace.take()
            self._outcomes[index] = held
            self._step_forward(index)
        return None

    async def _work(self, index: int, wait_s: float) -> None:
        """Try one delivery after the other, as long as not fewer may be under way."""
        taken: tuple[int, float] | None = index, wait_s
        while taken is not None:
            index, wait_s = taken
            if wait_s > 0:
                await self._sleep(wait_s)
            if not wait_s or not (self._stopped or self._breaker.rest_s > 0):
                self._take_note(index, await self._plan.attempt(self._deliveries[index]))
            width = self._breaker.width
            taken = self._take() if len(self._tasks) <= width else None
            if len(self._tasks) < width and self._standing:
                self._changed.set()  # more may be at work than are

    def _may_go_on(self) -> bool:
        """Return whether one more may begin; otherwise the turn is over as soon as nothing is under way."""
        wait_s = self._pace.wait_s
        too_late = wait_s > LONGEST_S or (self._begun and self._monotonic() + wait_s >= self._until)
        self._over = self._over or too_late or self._breaker.rest_s > 0
        return not self._over

    def _left(self) -> Unsent:
        """Return the outcome of what nobody was asked about: when it is handed over again."""
        if self._breaker.rest_s > 0:
            return Unsent(rest_s=self._breaker.rest_s, reason=self._breaker.reason)
        return Unsent(rest_s=self._pace.wait_s)

    def _take_note(self, index: int, outcome: Outcome) -> None:
        self._outcomes[index] = outcome
        if isinstance(outcome, _ENDING):
            self._stopped = self._over = True
        else:
            self._step_forward(index)

    def _step_forward(self, index: int) -> None:
        """Let the one behind it in its line have its turn."""
        if self._behind and (following := self._behind.get(index)) is not None:
            self._standing.append(following)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._error = error
            self._over = True
        self._changed.set()


def _lines(deliveries: Sequence[Delivery], plan: Plan) -> tuple[deque[int], dict[int, int]]:
    """Return the first of each line, in the order of the deliveries, and for others which one they stand behind.

    Within a line the order is that of the log.
    """
    first: list[int] = []
    found: dict[str, tuple[int, list[int]]] = {}
    for index, delivery in enumerate(deliveries):
        line = plan.line_of(delivery)
        if line is not None:
            found.setdefault(line, (len(first), []))[1].append(index)
            if len(found[line][1]) > 1:
                continue
        first.append(index)
    behind: dict[int, int] = {}
    for place, members in found.values():
        members.sort(key=lambda index: deliveries[index].position)
        first[place] = members[0]
        behind.update(pairwise(members))
    return deque(first), behind
