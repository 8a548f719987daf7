"""A webhook as a destination: each event as a request of its own to somebody's URL."""

import asyncio
import logging
import random as standard_random
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final, assert_never

from msgspec import Struct

from trackside.attempts.base import Recorder
from trackside.destinations.answers import Failure, NotAsked, Taken, Unwanted, Verdict, judge
from trackside.destinations.base import (
    DELIVERED,
    FILTERED,
    Behind,
    Delivery,
    Gone,
    Outcome,
    Refused,
    Retry,
    Unsent,
)
from trackside.destinations.webhook.bodies import Bodies, Body
from trackside.destinations.webhook.pace import Pace
from trackside.destinations.webhook.queues import NOTHING, Queues, queue_of
from trackside.destinations.webhook.recording import Recording
from trackside.destinations.webhook.requests import Requests
from trackside.destinations.webhook.settings import WebhookSettings
from trackside.destinations.webhook.turn import Sleep, Turn
from trackside.errors import DestinationError
from trackside.outbound.base import Client
from trackside.outbound.breaker import JITTER, Breaker
from trackside.telemetry import catalogue

logger = logging.getLogger(__name__)

BEHIND_S: Final = 0.05
"""So long after the first of a queue those behind it are looked at again."""
UNKNOWN_S: Final = 1.0
"""… where nobody knows when the first is tried, as after a restart."""


class Moments(Struct, frozen=True, kw_only=True):
    """The clocks and the chance of a webhook, in one place so that a test can turn them."""

    time_s: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    sleep: Sleep = asyncio.sleep
    random: Callable[[], float] = standard_random.random


class Webhook:
    """Sends each event to the URL of its settings; how answers are read stands in `answers`."""

    ordered = False

    def __init__(
        self,
        settings: WebhookSettings,
        connect: Callable[[], Client],
        *,
        why_not: Callable[[str], str | None] = lambda url: None,  # noqa: ARG005
        user_agent: str = "Trackside",
        moments: Moments | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        """`connect` opens a client with the settings' credentials; `why_not` tells why a URL must not be asked.

        With a `recorder` each attempt is kept for people to look at.

        Raises ConfigurationError for what cannot be used of the settings.
        """
        moments = moments or Moments()
        self._settings = settings
        self._connect = connect
        self._why_not = why_not
        self._client: Client | None = None
        self._moments = moments
        self._recording = None if recorder is None else Recording(settings, recorder)
        self._bodies = Bodies(settings)
        self._requests = Requests(settings, user_agent=user_agent)
        self._breaker = Breaker(
            most=settings.concurrency,
            failures=settings.failures_until_probing,
            monotonic=moments.monotonic,
            random=moments.random,
        )
        self._pace = Pace(settings.rate_per_s, moments.monotonic)
        self._delays_s = settings.delays_s()
        self._queues = Queues(moments.monotonic) if settings.ordering == "user" else None
        self._note: str | None = None
        self._made: dict[int, Body] = {}
        """The bodies of deliveries that are about to be tried, by position."""

    async def open(self, checkpoint: str | None) -> None:
        """Make ready to connect. Raises DestinationError where the URL must not be asked, which is counted."""
        if reason := self._why_not(self._settings.url):
            catalogue.OUTBOUND_REFUSED_ADDRESSES.add(1)
            raise DestinationError(
                f"url must not be asked: {reason}; allow_private_networks or allow let it lead into private networks"
            )
        self._client = self._connect()
        if self._recording is not None:
            self._recording.gather(asyncio.get_running_loop())
        self._note = checkpoint
        if self._queues is not None:
            self._queues.restore(checkpoint)

    async def send(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        """Send for about two seconds at most, and leave the rest for the next time."""
        self._made.clear()
        turn = Turn(
            deliveries,
            self,
            breaker=self._breaker,
            pace=self._pace,
            monotonic=self._moments.monotonic,
            sleep=self._moments.sleep,
        )
        outcomes = await turn.run()
        if self._queues is not None:
            self._note_rows(deliveries, outcomes, self._queues)
        return outcomes

    def checkpoint(self) -> str | None:
        """Return which events of which users wait, where the order is kept; else that none do."""
        if self._queues is not None:
            self._note = self._queues.note()
        elif self._note not in {None, NOTHING}:
            self._note = NOTHING  # of a time when the order was kept
        return self._note

    async def close(self) -> None:
        """Close all connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def line_of(self, delivery: Delivery) -> str | None:
        """Return the queue of the event's user, where the order is kept."""
        return None if self._queues is None else queue_of(delivery.event)

    def before(self, delivery: Delivery) -> Outcome | None:
        """Return the outcome of an event that is not asked for, cannot be sent, or has to wait for another."""
        try:
            body = self._bodies.make(delivery.event)
        except Exception as error:  # noqa: BLE001  # the border: one odd event must not hold its neighbours
            logger.warning(
                "event cannot be sent as the settings say",
                extra={"event_id": delivery.event.id, "error": type(error).__name__},
            )
            return self._leave(delivery, Refused(reason=f"cannot be made a body: {type(error).__name__}"))
        if body is None:
            return self._leave(delivery, FILTERED)
        held = self._held(delivery)
        if held is None:
            self._made[delivery.position] = body
        return held

    async def attempt(self, delivery: Delivery) -> Outcome:
        """Make one attempt."""
        body = self._made.pop(delivery.position)
        began_at = self._moments.monotonic()
        at_s = self._moments.time_s()
        if self._client is None:
            raise DestinationError("the destination is not open")
        request = self._requests.make(delivery, body, at_s=int(at_s))
        recording = self._recording
        key = None if recording is None else recording.begin(delivery, request, at_us=int(at_s * 1e6))
        try:
            reply = await self._client.send(request)
        except BaseException:
            if recording is not None:
                recording.break_off(key, self._moments.monotonic() - began_at)
            raise
        verdict = judge(reply, refuse_statuses=self._settings.refuse_statuses, now=self._now)
        if recording is not None:
            recording.end(key, reply, verdict)
        return self._outcome(delivery, verdict, began_at)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._moments.time_s(), UTC)

    def _outcome(self, delivery: Delivery, verdict: Verdict, began_at: float) -> Outcome:
        match verdict:
            case Taken():
                self._breaker.succeed()
                return self._leave(delivery, DELIVERED)
            case Failure() as failure:
                return self._failed(delivery, failure, began_at)
            case Unwanted(reason=reason):
                return self._leave(delivery, Refused(reason=reason))
            case Gone():
                return verdict
            case NotAsked(reason=reason, rest_s=rest_s):
                self._breaker.rest(rest_s, reason)
                return Unsent(rest_s=rest_s, reason=reason)
            case never:
                assert_never(never)

    def _failed(self, delivery: Delivery, failure: Failure, began_at: float) -> Outcome:
        reason, asked_s = failure.reason, failure.after_s
        self._breaker.fail(reason, started_at=began_at)
        if asked_s is not None:
            asked_s = min(asked_s, self._settings.longest_retry_after_s)
            self._breaker.rest(asked_s, reason)
        queue = self.line_of(delivery)
        if queue is not None and delivery.attempt > len(self._delays_s):
            # the worker would end it with the same outcome; said here, the queue knows that it may go on
            return self._leave(delivery, Refused(reason=reason))
        if queue is None and asked_s is None:
            return Retry(reason=reason)
        after_s = max(self._delay_s(delivery.attempt), asked_s or 0.0)
        if queue is not None and self._queues is not None:
            self._queues.wait(queue, delivery.position, due_s=after_s)
        return Retry(reason=reason, after_s=after_s)

    def _delay_s(self, attempt: int) -> float:
        """Return the schedule's wait after this attempt: one that was asked for does not make it shorter."""
        if not self._delays_s:
            return UNKNOWN_S
        delay_s = self._delays_s[min(attempt, len(self._delays_s)) - 1]
        return delay_s * (1 - JITTER + 2 * JITTER * self._moments.random())

    def _held(self, delivery: Delivery) -> Outcome | None:
        queue = self.line_of(delivery)
        if queue is None or self._queues is None or not self._queues.holds(queue, delivery.position):
            return None
        self._queues.wait(queue, delivery.position)
        after_s = self._queues.due_s(queue) or UNKNOWN_S
        return Behind(reason="waits for an earlier event of its user", after_s=after_s + BEHIND_S)

    def _leave(self, delivery: Delivery, outcome: Outcome) -> Outcome:
        if self._queues is not None and (queue := self.line_of(delivery)) is not None:
            self._queues.leave(queue, delivery.position)
        return outcome

    def _note_rows(self, deliveries: Sequence[Delivery], outcomes: Sequence[Outcome], queues: Queues) -> None:
        """Note what becomes a row unsent, because something behind it in the page was asked."""
        behind = False
        for delivery, outcome in zip(reversed(deliveries), reversed(outcomes), strict=True):
            if not isinstance(outcome, Unsent | Gone):
                behind = True
            elif behind and (queue := self.line_of(delivery)) is not None:
                queues.wait(queue, delivery.position)
