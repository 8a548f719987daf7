"""The live lane: events nobody tried to deliver yet, in the log's order."""

import asyncio
from collections.abc import Sequence
from typing import assert_never

from trackside.delivery.lane import PAGE_EVENTS, PROBE_EVENTS, Portion, Route, is_unasked
from trackside.delivery.state import Dead, Settled, Wait
from trackside.destinations.base import (
    DELIVERED,
    Behind,
    Delivery,
    Filtered,
    Gone,
    Outcome,
    Retry,
    Unsent,
)
from trackside.log.base import Page
from trackside.log.subscription import SubscriptionState

LONGEST_REST_S = 60.0
"""How late it is noticed at the most that such a destination takes events again."""


class LiveLane:
    """Reads on from the position, sends, and moves the position.

    Ordered: the first event that must wait holds the position, and its next attempt is made from there.
    Otherwise: what must wait becomes a row of its own and the position goes on; but after a page that
    failed as a whole only a few events are tried, with longer and longer rests, so that a dead place does
    not turn the log into rows. What nobody was asked about at the end of a page stays in the log.
    """

    def __init__(self, route: Route) -> None:
        self._route = route
        self._head_position = 0
        self._head_failures = 0
        self._failed_pages = 0
        self._portion = Portion(PAGE_EVENTS, probing=route.health.is_failing)

    @property
    def rest_s(self) -> float | None:
        """New events wake the worker; only a rest after a failure ends by itself."""
        return self._route.health.rest_s or None

    def refreshed(self, state: SubscriptionState) -> None:
        """Nothing here changes from outside."""

    async def step(self) -> bool:
        """Deal with one page."""
        route = self._route
        start = route.ledger.position
        limit = PROBE_EVENTS if self._failed_pages else self._portion.size
        page = await self._read(start, limit)
        if page.through == start:
            return False
        if not page.events:
            route.ledger.pass_through(page.through, delivered=0, filtered=page.through - start)
            return True
        deliveries = list(map(Delivery, page.positions, page.events))
        if deliveries[0].position == self._head_position:
            first = deliveries[0]
            deliveries[0] = Delivery(first.position, first.event, self._head_failures + 1)
        outcomes = await route.sender.send(deliveries)
        self._portion.heed(outcomes)
        if outcomes.count(DELIVERED) == len(outcomes):
            await self._all_delivered(page, start, deliveries[-1])
            return True
        if route.ordered:
            return await self._settle_in_order(page, start, deliveries, outcomes)
        return await self._settle_each(page, start, deliveries, outcomes)

    async def _read(self, start: int, limit: int) -> Page:
        """Return what the feed brought, or what stands in the log where this destination is behind."""
        inbox = self._route.inbox
        if inbox is not None and (brought := inbox.page(start, limit)) is not None:
            return brought
        while True:
            page = await asyncio.to_thread(self._route.log.read, start, limit=limit, names=self._route.names)
            if inbox is None or page.through > start:
                return page
            inbox.join(start)
            if inbox.joined:
                return page
            # the feed is ahead of what was the log's end a moment ago: there is something to read

    async def _all_delivered(self, page: Page, start: int, newest: Delivery) -> None:
        count = len(page.events)
        self._route.ledger.pass_through(page.through, delivered=count, filtered=page.through - start - count)
        self._failed_pages = 0
        self._route.sender.note_lag(newest)
        await self._route.health.recover()

    async def _settle_in_order(
        self, page: Page, start: int, deliveries: Sequence[Delivery], outcomes: Sequence[Outcome]
    ) -> bool:
        route = self._route
        delivered = passed = 0
        for index, (delivery, outcome) in enumerate(zip(deliveries, outcomes, strict=True)):
            match route.decide(delivery, outcome):
                case Settled(filtered=filtered):
                    delivered += not filtered
                    passed += filtered
                case Dead() as dead:
                    route.bury(delivery, dead)
                case Wait(due_at=due_at, failures=failures, reason=reason):
                    before = delivery.position - 1
                    if before > start:
                        filtered_here = before - start - index + passed
                        route.ledger.pass_through(before, delivered=delivered, filtered=filtered_here)
                    self._head_position, self._head_failures = delivery.position, failures
                    if is_unasked(outcome):
                        return not await route.heed(outcomes)
                    rest = due_at - route.timing.now()
                    await route.health.fail(reason, rest_s=rest.total_seconds())
                    return index > 0
                case never:
                    assert_never(never)
        filtered_here = page.through - start - len(deliveries) + passed
        route.ledger.pass_through(page.through, delivered=delivered, filtered=filtered_here)
        if delivered:
            route.sender.note_lag(deliveries[-1])
        await route.health.recover()
        return True

    async def _settle_each(
        self, page: Page, start: int, deliveries: Sequence[Delivery], outcomes: Sequence[Outcome]
    ) -> bool:
        if not await self._judge(outcomes):
            return False
        route = self._route
        delivered = passed = 0
        asked = _without_unasked_end(outcomes)
        for delivery, outcome in zip(deliveries[:asked], outcomes, strict=False):
            match route.decide(delivery, outcome):
                case Settled(filtered=filtered):
                    delivered += not filtered
                    passed += filtered
                case Dead() as dead:
                    route.bury(delivery, dead)
                case Wait() as wait:
                    route.keep_waiting(delivery, wait)
                case never:
                    assert_never(never)
        through = page.through if asked == len(deliveries) else deliveries[asked].position - 1
        if through > start:
            filtered_here = through - start - asked + passed
            route.ledger.pass_through(through, delivered=delivered, filtered=filtered_here)
        return True

    async def _judge(self, outcomes: Sequence[Outcome]) -> bool:
        """Note whether the place takes anything; return False where the whole page stays in the log."""
        route = self._route
        telling = [
            outcome for outcome in outcomes if not isinstance(outcome, Filtered | Behind | Unsent | Gone)
        ]
        retries = [outcome for outcome in telling if isinstance(outcome, Retry)]
        if len(retries) < len(telling):
            self._failed_pages = 0
            await route.health.recover()
        if await route.heed(outcomes) or not telling or len(retries) < len(telling):
            return True
        self._failed_pages += 1
        rest_s = min(route.schedule.delay_s(self._failed_pages, route.random), LONGEST_REST_S)
        await route.health.fail(retries[0].reason, rest_s=rest_s)
        # our own fault: nobody was asked, so the events stay where they are
        return len(telling) < len(outcomes) or any(retry.spends_attempt for retry in retries)


def _without_unasked_end(outcomes: Sequence[Outcome]) -> int:
    """Return how many outcomes there are before the last run of those that nobody was asked about."""
    count = len(outcomes)
    while count and is_unasked(outcomes[count - 1]):
        count -= 1
    return count
