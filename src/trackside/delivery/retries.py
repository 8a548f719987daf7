"""The retry lane: events that failed before and are due again."""

import asyncio
from datetime import datetime
from typing import assert_never

from trackside.delivery.lane import Portion, Route, is_failed_attempt, is_unasked
from trackside.delivery.state import Dead, Settled, Wait
from trackside.destinations.base import DELIVERED, Delivery
from trackside.log.subscription import SubscriptionState, Waiting

ROWS = 100
"""How many are tried at once at the most; new events go between."""


class RetryLane:
    """Tries what waits once it is due; also what an operator took out of the dead letters."""

    def __init__(self, route: Route) -> None:
        self._route = route
        self._next_due_at: datetime | None = None
        self._portion = Portion(ROWS, probing=route.health.is_failing)

    @property
    def rest_s(self) -> float | None:
        """Return how long nothing is due."""
        if self._next_due_at is None:
            return None
        return max(0.0, (self._next_due_at - self._route.timing.now()).total_seconds())

    def refreshed(self, state: SubscriptionState) -> None:
        """Notice rows that became due by an operator's command."""
        self._next_due_at = state.next_due_at

    async def step(self) -> bool:
        """Try what is due, and write down at once what came of it, or it would be due again."""
        if self.rest_s != 0.0:
            return False
        route = self._route
        rows = await asyncio.to_thread(route.subscription.due, route.timing.now(), self._portion.size)
        if rows:
            await self._try(rows)
            if not await route.ledger.commit():
                return False
        self._next_due_at = await asyncio.to_thread(route.subscription.next_due_at)
        return bool(rows)

    async def _try(self, rows: list[Waiting]) -> None:
        route = self._route
        deliveries = [Delivery(row.position, row.event, row.attempt + 1) for row in rows]
        outcomes = await route.sender.send(deliveries)
        self._portion.heed(outcomes)
        if DELIVERED in outcomes:
            await route.health.recover()
        elif failed := next(filter(is_failed_attempt, outcomes), None):
            # where no new events come, what waits is all that tells how long the place has been failing
            await route.health.give_up_if_too_long(failed.reason)
        await route.heed(outcomes)
        for delivery, outcome in zip(deliveries, outcomes, strict=True):
            if is_unasked(outcome):
                continue  # its row stays as it is
            match route.decide(delivery, outcome):
                case Settled(filtered=filtered):
                    route.ledger.settle(delivery.position, filtered=filtered)
                case Dead() as dead:
                    route.bury(delivery, dead)
                case Wait() as wait:
                    route.keep_waiting(delivery, wait)
                    if route.ordered:  # those behind were not tried: they stay due, with all their attempts
                        rest = wait.due_at - route.timing.now()
                        await route.health.fail(wait.reason, rest_s=rest.total_seconds())
                        return
                case never:
                    assert_never(never)
