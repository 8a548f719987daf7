"""The worker: one destination's life, from opening to closing, whatever goes wrong in between."""

import asyncio
import logging
import random as standard_random
from collections.abc import Callable

from trackside.delivery.health import Health
from trackside.delivery.lane import Lane, Route
from trackside.delivery.ledger import CheckpointFailed, Ledger
from trackside.delivery.live import LiveLane
from trackside.delivery.replay import ReplayLane
from trackside.delivery.retries import RetryLane
from trackside.delivery.schedule import exponential, schedule_of
from trackside.delivery.sender import Sender
from trackside.delivery.timing import Timing
from trackside.destinations.base import Destination, DestinationSettings
from trackside.errors import DestinationError, StorageError, TracksideError
from trackside.event import NameFilter
from trackside.log.base import Log, Subscription, SubscriptionState
from trackside.telemetry import catalogue

logger = logging.getLogger(__name__)

REFRESH_S = 1.0
"""How often the worker looks for what other processes changed: pause, dead letters, replays."""
REOPENING = exponential(attempts=8, first_s=0.5, longest_s=10.0)
"""Waits before a destination that could not be opened is opened again; the last one is repeated for ever."""


class DeliveryWorker:
    """Sends the events of one subscription to its destination until it is told to stop.

    `run` is an asyncio task; the log and the subscription, which block, are used in threads.
    """

    def __init__(
        self,
        subscription: Subscription,
        log: Log,
        destination: Destination,
        settings: DestinationSettings,
        *,
        timing: Timing | None = None,
        random: Callable[[], float] = standard_random.random,
    ) -> None:
        self._subscription = subscription
        self._log = log
        self._destination = destination
        self._names = None if "*" in settings.events else NameFilter(settings.events)
        self._schedule = schedule_of(settings)
        self._timing = timing or Timing()
        self._random = random
        self._health = Health(subscription, self._timing, disable_after_s=settings.disable_after_s)
        self._nudged = asyncio.Event()
        self._stopping = False
        self._failures = 0
        self._refresh_at = 0.0
        self._turn = 0

    def nudge(self) -> None:
        """Wake the worker: there may be new events. From its own event loop only."""
        self._nudged.set()

    def stop(self) -> None:
        """Let `run` end after the send in flight, with its outcome written down."""
        self._stopping = True
        self._nudged.set()

    async def run(self) -> None:
        """Deliver until `stop`; what fails is tried again, after waits."""
        while not self._stopping:
            try:
                state = await asyncio.to_thread(self._subscription.state)
                self._health.begin(state)
                await self._deliver(state)
            except Exception as error:  # noqa: BLE001  # the border: one destination's fault stops no other
                self._failures += 1
                await self._failed(error)
        self._health.become("stopped")

    async def _failed(self, error: Exception) -> None:
        known = isinstance(error, TracksideError | CheckpointFailed)
        reason = str(error) if known else f"raised {type(error).__name__}"
        if not known:
            catalogue.DELIVERY_FAILURES.add(1, self._subscription.name)
            logger.error("delivery failed", exc_info=error, extra={"destination": self._subscription.name})
        rest_s = REOPENING.delay_s(self._failures, self._random)
        await self._health.fail(reason, rest_s=rest_s)
        while not self._stopping and (remaining_s := self._health.rest_s) > 0:
            await self._timing.wait(self._nudged, remaining_s)
            self._nudged.clear()

    async def _deliver(self, state: SubscriptionState) -> None:
        """Open the destination, deliver until `stop` or until something raises, and close it."""
        ledger = Ledger(self._subscription, self._destination, self._timing, state.position)
        try:
            await self._open(state.checkpoint)
            # kept before the first send: what lies behind this note after a crash was sent, and only that
            await ledger.commit(always=True)
            self._failures = 0
            await self._health.opened()
            await self._serve(ledger)
        finally:
            try:
                await self._destination.close()
            except Exception:  # the border: what is sent is sent
                logger.exception("destination did not close", extra={"destination": self._subscription.name})

    async def _open(self, checkpoint: str | None) -> None:
        try:
            await self._destination.open(checkpoint)
        except OSError as error:
            raise DestinationError(str(error)) from error

    async def _serve(self, ledger: Ledger) -> None:
        route = Route(
            log=self._log,
            subscription=self._subscription,
            names=self._names,
            ordered=self._destination.ordered,
            schedule=self._schedule,
            sender=Sender(self._subscription.name, self._destination, self._timing),
            ledger=ledger,
            health=self._health,
            timing=self._timing,
            random=self._random,
        )
        lanes: tuple[Lane, ...] = (LiveLane(route), RetryLane(route), ReplayLane(route))
        self._turn = 0
        self._refresh_at = 0.0
        try:
            while not self._stopping:
                self._nudged.clear()
                await self._refresh_if_due(lanes, ledger)
                busy = await self._step(lanes, ledger)
                await ledger.commit_if_due(idle=not busy)
                if not busy and not self._stopping:
                    await self._timing.wait(self._nudged, self._rest_s(lanes, ledger))
        except CheckpointFailed:
            raise  # nothing since the last note counts
        except Exception:
            await ledger.commit()
            raise
        await ledger.commit()
        # a cancelled send may still run in its thread: nothing is written down then, as after a crash

    async def _step(self, lanes: tuple[Lane, ...], ledger: Ledger) -> bool:
        busy = False
        for _ in lanes:
            # asked again before each lane: the one before may have found that nothing is taken any more
            if self._stopping or self._health.paused or ledger.is_blocked or self._health.rest_s > 0:
                return False
            # they take turns: after a rest it is not the first one's turn again, or the others would starve
            lane = lanes[self._turn % len(lanes)]
            self._turn += 1
            busy = await lane.step() or busy
        return busy

    def _rest_s(self, lanes: tuple[Lane, ...], ledger: Ledger) -> float:
        rests = [max(0.0, self._refresh_at - self._timing.monotonic()), ledger.due_in_s(idle=True)]
        if self._health.rest_s > 0:
            rests.append(self._health.rest_s)
        elif not self._health.paused and not ledger.is_blocked:
            rests.extend(lane.rest_s for lane in lanes)
        return min(rest for rest in rests if rest is not None)

    async def _refresh_if_due(self, lanes: tuple[Lane, ...], ledger: Ledger) -> None:
        now = self._timing.monotonic()
        if now < self._refresh_at:
            return
        self._refresh_at = now + REFRESH_S
        try:
            state = await asyncio.to_thread(self._subscription.state)
            for lane in lanes:
                await lane.refresh()
            last = (await asyncio.to_thread(self._log.bounds)).last
        except StorageError:
            logger.warning("state of a destination cannot be read", exc_info=True)
            return
        self._health.refresh(state)
        name = self._subscription.name
        catalogue.DESTINATION_PENDING.set(max(0, last - ledger.position), name)
        catalogue.DESTINATION_RETRYING.set(state.retrying, name)
        catalogue.DESTINATION_DEAD.set(state.dead, name)
