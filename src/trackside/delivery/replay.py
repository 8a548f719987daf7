"""The replay lane: events an operator asked to be sent again."""

import asyncio
import logging
from collections.abc import Sequence
from typing import assert_never

from msgspec import Struct

from trackside.delivery.lane import PAGE_EVENTS, Route, is_unasked
from trackside.delivery.state import Dead, Settled, Wait
from trackside.destinations.base import DELIVERED, Delivery, Filtered, Outcome
from trackside.event import NameFilter
from trackside.log.base import Page
from trackside.log.subscription import Replay, SubscriptionState
from trackside.telemetry import catalogue

logger = logging.getLogger(__name__)

SLICE_S = 0.5
"""With a rate, so much of it goes out at once."""


class _Sent(Struct):
    """What became of the events of one step."""

    asked: int = 0
    redelivered: int = 0
    given_up: int = 0
    reason: str | None = None


class ReplayLane:
    """Works requests off page by page beside the live traffic, and goes on where it was after a crash.

    Before and after each page the progress is written down alone, so that the destination's note never covers
    live events whose position is not kept yet.
    """

    def __init__(self, route: Route) -> None:
        self._route = route
        self._asked_for = 0
        self._replays: list[Replay] = []
        self._erasures = 0
        self._stale = False
        self._begin(None)

    def _begin(self, number: int | None) -> None:
        """Forget the request that was worked on: it is finished, or was cancelled."""
        self._number = number
        self._unsent: list[Delivery] = []
        self._page_end = 0
        self._gone = 0
        self._rests_until = 0.0
        self._paced_until = 0.0

    @property
    def rest_s(self) -> float | None:
        """Return how long the current request rests, after a failure or for its rate; None where there is none."""
        if not self._asked_for:
            return None
        if self._asked_for != len(self._replays):
            return 0.0  # others came, or were cancelled
        return max(0.0, max(self._rests_until, self._paced_until) - self._route.timing.monotonic())

    def refreshed(self, state: SubscriptionState) -> None:
        """Notice new requests, those that were cancelled, and that events were erased."""
        self._asked_for = state.replays
        self._stale = self._stale or state.erasures != self._erasures
        self._erasures = state.erasures

    async def _look(self) -> None:
        """Read the requests; where another one is the oldest now, begin with that."""
        self._replays = await asyncio.to_thread(self._route.subscription.replays)
        self._asked_for = len(self._replays)
        number = self._replays[0].number if self._replays else None
        if number != self._number:
            self._begin(number)

    async def step(self) -> bool:
        """Send one page of the oldest request again, or less, as its rate allows."""
        if self.rest_s != 0.0:
            return False
        await self._look()  # it may have been cancelled, or have another rate
        if self.rest_s != 0.0 or not await self._route.ledger.commit():
            return False
        replay = self._replays[0]
        if self._stale:
            self._unsent, self._stale = [], False  # what was read is read again, from where it is kept
        if not self._unsent:
            await self._read(replay)
        sent = await self._send(replay.rate_per_s) if self._unsent else _Sent()
        await asyncio.to_thread(self._keep, replay, sent)
        if not self._unsent and self._page_end >= replay.until:
            await self._look()
        return True

    async def _read(self, replay: Replay) -> None:
        route = self._route
        wanted = NameFilter(replay.names) if replay.names else route.names
        page = await asyncio.to_thread(route.log.read, replay.next - 1, limit=PAGE_EVENTS, names=wanted)
        self._unsent = [
            Delivery(position, event)
            for position, event in zip(page.positions, page.events, strict=True)
            if position <= replay.until and (route.names is None or route.names.matches(event.name))
        ]
        await self._note_gone(replay, page)

    async def _note_gone(self, replay: Replay, page: Page) -> None:
        if page.through < replay.next:
            # nothing newer than the request's beginning: it asked for more than the log holds
            self._gone, self._page_end = replay.until - replay.next + 1, replay.until
            return
        self._page_end = min(page.through, replay.until)
        bounds = await asyncio.to_thread(self._route.log.bounds)
        first_held = bounds.first if bounds.events else bounds.last + 1
        self._gone = max(0, min(first_held - 1, self._page_end) - replay.next + 1)

    async def _send(self, rate_per_s: float) -> _Sent:
        route = self._route
        allowed = max(1, int(rate_per_s * SLICE_S)) if rate_per_s else len(self._unsent)
        asking, later = self._unsent[:allowed], self._unsent[allowed:]
        outcomes = await route.sender.send(asking)
        if DELIVERED in outcomes:
            await route.health.recover()
        await route.heed(outcomes)
        sent, left = self._settle(asking, outcomes)
        self._unsent = left + later
        if rate_per_s:
            self._paced_until = route.timing.monotonic() + sent.asked / rate_per_s
        if sent.redelivered:
            catalogue.DELIVERY_OUTCOMES.add(sent.redelivered, route.subscription.name, "redelivered")
        return sent

    def _settle(
        self, deliveries: Sequence[Delivery], outcomes: Sequence[Outcome]
    ) -> tuple[_Sent, list[Delivery]]:
        """Return what became of the events, and those that are to be sent once more."""
        route, sent = self._route, _Sent()
        left: list[Delivery] = []
        for index, (delivery, outcome) in enumerate(zip(deliveries, outcomes, strict=True)):
            if is_unasked(outcome):
                left.append(delivery)
                continue
            sent.asked += not isinstance(outcome, Filtered)
            match route.decide(delivery, outcome):
                case Settled(filtered=filtered):
                    sent.redelivered += not filtered
                case Dead(reason=reason):
                    sent.given_up, sent.reason = sent.given_up + 1, reason
                    self._give_up(delivery, reason)
                case Wait(due_at=due_at, failures=failures):
                    rest = due_at - route.timing.now()
                    self._rests_until = route.timing.monotonic() + rest.total_seconds()
                    left.append(Delivery(delivery.position, delivery.event, failures + 1))
                    if route.ordered:
                        left.extend(deliveries[index + 1 :])
                        break
                case never:
                    assert_never(never)
        return sent, left

    def _keep(self, replay: Replay, sent: _Sent) -> None:
        following = self._unsent[0].position if self._unsent else self._page_end + 1
        gone, self._gone = self._gone, 0
        self._route.subscription.advance_replay(
            replay.number,
            next_position=following,
            redelivered=sent.redelivered,
            checkpoint=self._route.ledger.checkpoint(),
            given_up=sent.given_up,
            gone=gone,
            reason=sent.reason,
            now=self._route.timing.now(),
        )

    def _give_up(self, delivery: Delivery, reason: str) -> None:
        # no dead letter: the event has its place in the account already, from its first delivery
        name = self._route.subscription.name
        catalogue.DELIVERY_OUTCOMES.add(1, name, "given_up")
        logger.warning(
            "replayed event was not taken",
            extra={"destination": name, "position": delivery.position, "reason": reason},
        )
