"""The replay lane: events an operator asked to be sent again."""

import asyncio
import logging
from typing import assert_never

from trackside.delivery.lane import PAGE_EVENTS, Route, is_unasked
from trackside.delivery.state import Dead, Settled, Wait
from trackside.destinations.base import Delivery
from trackside.log.base import Replay, SubscriptionState
from trackside.telemetry import catalogue

logger = logging.getLogger(__name__)


class ReplayLane:
    """Works requests off page by page beside the live traffic, and goes on where it was after a crash.

    Before and after each page the progress is written down alone, so that the destination's note never covers
    live events whose position is not kept yet.
    """

    def __init__(self, route: Route) -> None:
        self._route = route
        self._asked_for = False
        self._replays: list[Replay] = []
        self._unsent: list[Delivery] = []
        self._page_end = 0
        self._rests_until = 0.0

    @property
    def rest_s(self) -> float | None:
        """Return how long the current request rests after a failure; None where nothing is asked for."""
        if not self._asked_for:
            return None
        return max(0.0, self._rests_until - self._route.timing.monotonic())

    def refreshed(self, state: SubscriptionState) -> None:
        """Notice new requests."""
        self._asked_for = state.replays > 0

    async def _look(self) -> None:
        """Read the requests."""
        self._replays = await asyncio.to_thread(self._route.subscription.replays)
        self._asked_for = bool(self._replays)

    async def step(self) -> bool:
        """Send one page of the oldest request again."""
        if self.rest_s != 0.0:
            return False
        if not await self._route.ledger.commit():
            return False
        if not self._unsent:
            await self._look()
            if not self._replays:
                return False
        replay = self._replays[0]
        if not self._unsent:
            await self._read(replay)
        sent = await self._send() if self._unsent else 0
        await asyncio.to_thread(self._keep, replay, sent)
        if not self._unsent:
            await self._look()
        return True

    async def _read(self, replay: Replay) -> None:
        route = self._route
        page = await asyncio.to_thread(route.log.read, replay.next - 1, limit=PAGE_EVENTS, names=route.names)
        pairs = zip(page.positions, page.events, strict=True)
        self._unsent = [Delivery(position, event) for position, event in pairs if position <= replay.until]
        # nothing newer than the request's beginning: it asked for more than the log holds
        exhausted = page.through < replay.next
        self._page_end = replay.until if exhausted else min(page.through, replay.until)

    async def _send(self) -> int:
        route = self._route
        outcomes = await route.sender.send(self._unsent)
        await route.heed(outcomes)
        sent = 0
        unsent: list[Delivery] = []
        for index, (delivery, outcome) in enumerate(zip(self._unsent, outcomes, strict=True)):
            if is_unasked(outcome):
                unsent.append(delivery)
                continue
            match route.decide(delivery, outcome):
                case Settled(filtered=filtered):
                    sent += not filtered
                case Dead(reason=reason):
                    self._give_up(delivery, reason)
                case Wait(due_at=due_at, failures=failures):
                    rest = due_at - route.timing.now()
                    self._rests_until = route.timing.monotonic() + rest.total_seconds()
                    unsent.append(Delivery(delivery.position, delivery.event, failures + 1))
                    if route.ordered:
                        unsent.extend(self._unsent[index + 1 :])
                        break
                case never:
                    assert_never(never)
        self._unsent = unsent
        if sent:
            catalogue.DELIVERY_OUTCOMES.add(sent, route.subscription.name, "redelivered")
        return sent

    def _keep(self, replay: Replay, sent: int) -> None:
        following = self._unsent[0].position if self._unsent else self._page_end + 1
        self._route.subscription.advance_replay(
            replay.number,
            next_position=following,
            redelivered=sent,
            checkpoint=self._route.ledger.checkpoint(),
        )

    def _give_up(self, delivery: Delivery, reason: str) -> None:
        # no dead letter: the event has its place in the account already, from its first delivery
        name = self._route.subscription.name
        catalogue.DELIVERY_OUTCOMES.add(1, name, "given_up")
        logger.warning(
            "replayed event was not taken",
            extra={"destination": name, "position": delivery.position, "reason": reason},
        )
