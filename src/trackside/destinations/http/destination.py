"""Batches to a URL as a destination: several side by side, each halved where it is not taken whole."""

import asyncio
import random as standard_random
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final, assert_never

from trackside.destinations.answers import Failure, NotAsked, Taken, Unwanted, judge
from trackside.destinations.base import DELIVERED, Delivery, Gone, Outcome, Refused, Retry, Unsent
from trackside.destinations.http.batch import Batch, Batches
from trackside.destinations.http.requests import Requests
from trackside.destinations.http.settings import HttpSettings
from trackside.errors import DestinationError
from trackside.outbound.base import Client
from trackside.outbound.breaker import Breaker
from trackside.telemetry import catalogue

SEND_S: Final = 2.0
"""After so long no further batch is begun: what was sent is written down before more is, and a stop is near."""
SURE_AFTER: Final = 10
"""So many events refused one by one, and none taken between them: it is the place, not the events."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Http:
    """Posts batches to the URL of its settings; what an answer means stands in `answers`."""

    ordered = False

    def __init__(
        self,
        settings: HttpSettings,
        connect: Callable[[], Client],
        *,
        why_not: Callable[[str], str | None] = lambda url: None,  # noqa: ARG005
        user_agent: str = "Trackside",
        now: Callable[[], datetime] = _utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = standard_random.random,
    ) -> None:
        """`connect` opens a client with the settings' credentials; `why_not` tells why a URL must not be asked.

        Raises ConfigurationError for what cannot be used of the settings.
        """
        self._settings = settings
        self._connect = connect
        self._why_not = why_not
        self._client: Client | None = None
        self._now = now
        self._monotonic = monotonic
        self._requests = Requests(settings, user_agent=user_agent)
        self._breaker = Breaker(
            most=settings.concurrency,
            failures=settings.failures_until_probing,
            monotonic=monotonic,
            random=random,
        )
        self._outcomes: list[Outcome | None] = []
        self._refused: list[int] = []
        """Which of this `send` were refused alone since something was taken."""
        self._refusals = 0
        """How many were, in earlier ones too."""
        self._over = False

    async def open(self, checkpoint: str | None) -> None:  # noqa: ARG002  # nobody can say how far it is
        """Make ready to connect. Raises DestinationError where the URL must not be asked, which is counted."""
        if reason := self._why_not(self._settings.url):
            catalogue.OUTBOUND_REFUSED_ADDRESSES.add(1)
            raise DestinationError(
                f"url must not be asked: {reason}; allow_private_networks or allow let it lead into private networks"
            )
        self._client = self._connect()

    async def send(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        """Send batches side by side for about two seconds at most, and leave the rest for the next time."""
        self._outcomes = [None] * len(deliveries)
        self._refused = []
        self._over = False
        batches = Batches(deliveries, self._settings, self._outcomes)
        until = self._monotonic() + SEND_S
        async with asyncio.TaskGroup() as side_by_side:
            for _ in range(self._breaker.width):
                side_by_side.create_task(self._send_some(batches, until))
        left = self._left()
        return [left if outcome is None else outcome for outcome in self._outcomes]

    def checkpoint(self) -> str | None:
        """Return None: what the place has, it says with each request."""
        return None

    async def close(self) -> None:
        """Close all connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _send_some(self, batches: Batches, until: float) -> None:
        begun = False
        while not self._over and self._breaker.rest_s <= 0 and not (begun and self._monotonic() >= until):
            most = 1 if self._breaker.is_probing else self._settings.batch_events
            batch = batches.take(most=most)
            if batch is None:
                return
            begun = True
            await self._deliver(batch)

    def _left(self) -> Unsent:
        """Return the outcome of what nobody was asked about."""
        if self._breaker.rest_s > 0:
            return Unsent(rest_s=self._breaker.rest_s, reason=self._breaker.reason)
        return Unsent()

    async def _deliver(self, batch: Batch) -> bool:
        """Send a batch, in parts where it is not taken whole; return False where its other parts must wait."""
        began_at = self._monotonic()
        if self._client is None:
            raise DestinationError("the destination is not open")
        reply = await self._client.send(await self._requests.make(batch, at_s=int(self._now().timestamp())))
        verdict = judge(reply, refuse_statuses=self._settings.refuse_statuses, now=self._now)
        match verdict:
            case Taken():
                self._breaker.succeed()
                self._refused, self._refusals = [], 0
                return self._note(batch.numbers, DELIVERED)
            case Unwanted(reason=reason):
                if len(batch.lines) == 1:
                    return self._refuse(batch.numbers[0], reason)
                first, second = batch.halves()
                return await self._deliver(first) and await self._deliver(second)
            case Failure():
                self._note(batch.numbers, self._failed(verdict, began_at))
                return False
            case Gone():
                self._over = True
                self._note(batch.numbers, verdict)
                return False
            case NotAsked(reason=reason, rest_s=rest_s):
                self._breaker.rest(rest_s, reason)
                self._note(batch.numbers, Unsent(rest_s=rest_s, reason=reason))
                return False
            case never:
                assert_never(never)

    def _refuse(self, number: int, reason: str) -> bool:
        """Note that an event is refused alone; return False where too many are to believe that it is their fault."""
        self._refused.append(number)
        self._refusals += 1
        if self._refusals < SURE_AFTER:
            return self._note([number], Refused(reason=reason))
        reason = f"takes no event at all: {reason}"
        self._breaker.fail(reason, started_at=self._monotonic())
        self._note(self._refused, Retry(reason=reason))
        return False

    def _failed(self, failure: Failure, began_at: float) -> Retry:
        self._breaker.fail(failure.reason, started_at=began_at)
        asked_s = failure.after_s
        if asked_s is not None:
            asked_s = min(asked_s, self._settings.longest_retry_after_s)
            self._breaker.rest(asked_s, failure.reason)
        # the schedule decides for the events: the place as a whole rests as long as it asked for
        return Retry(reason=failure.reason)

    def _note(self, numbers: Sequence[int], outcome: Outcome) -> bool:
        for number in numbers:
            self._outcomes[number] = outcome
        return True
