"""The worker: one destination's life, from opening to closing, whatever goes wrong in between."""

import asyncio
import logging
import random as standard_random
from collections.abc import Callable

from trackside.delivery.feed import Feed, Inbox
from trackside.delivery.health import Health
from trackside.delivery.keeping import Keeping
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
from trackside.log.base import Log
from trackside.log.subscription import Subscription, SubscriptionState
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
        feed: Feed | None = None,
        keeping: Keeping | None = None,
        overseen: bool = False,
        given_up: Callable[[str], None] | None = None,
    ) -> None:
        """With `feed` it does not read the log by itself where it need not; `keeping` is how its steps become durable.

        One that is `overseen` is told by `refreshed` what others changed; otherwise it looks for itself. `given_up` is
        called in a thread, with the reason, when the destination wants nothing any more.
        """
        self._subscription = subscription
        self._log = log
        self._destination = destination
        self._feed = feed
        self._keeping = keeping
        self._overseen = overseen
        self._globs = settings.events
        self._names = None if "*" in settings.events else NameFilter(settings.events)
        self._schedule = schedule_of(settings)
        self._timing = timing or Timing()
        self._random = random
        self._health = Health(subscription, self._timing, given_up, disable_after_s=settings.disable_after_s)
        self._nudged = asyncio.Event()
        self._stopping = False
        self._failures = 0
        self._refresh_at = 0.0
        self._route: Route | None = None
        self._lanes: tuple[Lane, ...] = ()
        self._turn = 0
        self._erasures = 0

    def nudge(self) -> None:
        """Wake the worker: there may be new events. From its own event loop only."""
        self._nudged.set()

    def stop(self) -> None:
        """Let `run` end after the send in flight, with its outcome written down."""
        self._stopping = True
        self._nudged.set()

    async def run(self, state: SubscriptionState | None = None) -> None:
        """Deliver until `stop`; what fails is tried again, after waits. `state` is what the subscription says now."""
        while not self._stopping:
            try:
                current = state if state is not None else await asyncio.to_thread(self._subscription.state)
                state = None
                self._health.begin(current)
                await self._deliver(current)
            except Exception as error:  # noqa: BLE001  # the border: one destination's fault stops no other
                self._failures += 1
                await self._failed(error)
        self._health.become("stopped")

    def refreshed(self, state: SubscriptionState, last: int, *, read_at_s: float) -> None:
        """Notice what others changed, as it was read then (monotonic); `last` is the log's end. In its loop only."""
        was_paused = self._health.paused
        self._health.heed(state, read_at_s=read_at_s)
        if state.erasures != self._erasures:
            self._erasures = state.erasures
            if self._route is not None and self._route.inbox is not None:
                self._route.inbox.leave()  # what was brought stands in the log, as far as it was not erased
        for lane in self._lanes:
            lane.refreshed(state)
        name = self._subscription.name
        position = self._route.ledger.position if self._route is not None else state.position
        catalogue.DESTINATION_PENDING.set(max(0, last - position), name)
        catalogue.DESTINATION_RETRYING.set(state.retrying, name)
        catalogue.DESTINATION_DEAD.set(state.dead, name)
        due = self._health.rest_s <= 0 and 0.0 in [lane.rest_s for lane in self._lanes[1:]]
        if (was_paused or due) and not self._health.paused:
            self._nudged.set()

    def pass_idle(self) -> Ledger | None:
        """Note that nothing of what came lately was for this destination; return the ledger to be written down."""
        if self._route is None or self._route.inbox is None:
            return None
        ledger, through = self._route.ledger, self._route.inbox.empty_through
        if through is None or through <= ledger.position or not ledger.is_clean:
            return None
        ledger.pass_through(through, delivered=0, filtered=through - ledger.position)
        return ledger

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
        ledger = Ledger(self._subscription, self._destination, self._timing, state.position, self._keeping)
        inbox = self._feed.open(self._globs, self._nudged.set) if self._feed is not None else None
        try:
            await self._open(state.checkpoint)
            # kept before the first send: what lies behind this note after a crash was sent, and only that
            await ledger.commit(always=True)
            self._failures = 0
            await self._health.opened()
            await self._serve(self._new_route(ledger, inbox), state)
        finally:
            self._route, self._lanes = None, ()
            if inbox is not None and self._feed is not None:
                self._feed.close(inbox)
            try:
                await self._destination.close()
            except Exception:  # the border: what is sent is sent
                logger.exception("destination did not close", extra={"destination": self._subscription.name})
            async with ledger.step:
                pass  # a step that the fleet keeps of it ends before the state is read anew

    async def _open(self, checkpoint: str | None) -> None:
        try:
            await self._destination.open(checkpoint)
        except OSError as error:
            raise DestinationError(str(error)) from error

    def _new_route(self, ledger: Ledger, inbox: Inbox | None) -> Route:
        return Route(
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
            inbox=inbox,
        )

    async def _serve(self, route: Route, state: SubscriptionState) -> None:
        ledger = route.ledger
        self._route, self._lanes = route, (LiveLane(route), RetryLane(route), ReplayLane(route))
        for lane in self._lanes:
            lane.refreshed(state)
        self._health.paused, self._erasures = state.paused, state.erasures
        self._refresh_at, self._turn = 0.0, 0
        try:
            while not self._stopping:
                self._nudged.clear()
                if not self._overseen:
                    await self._refresh_if_due()
                busy = await self._step(ledger)
                busy = await ledger.commit_if_due() or busy
                if not busy and not self._stopping:
                    await self._rest(route)
        except CheckpointFailed:
            raise  # nothing since the last note counts
        except Exception:
            await ledger.commit()
            raise
        await ledger.commit()
        # a cancelled send may still run in its thread: nothing is written down then, as after a crash

    async def _step(self, ledger: Ledger) -> bool:
        busy = False
        for _ in self._lanes:
            # asked again before each lane: the one before may have found that nothing is taken any more
            if self._stopping or self._health.paused or ledger.is_blocked or self._health.rest_s > 0:
                return False
            # they take turns: after a rest it is not the first one's turn again, or the others would starve
            lane = self._lanes[self._turn % len(self._lanes)]
            self._turn += 1
            busy = await lane.step() or busy
        return busy

    async def _rest(self, route: Route) -> None:
        """Wait until there may be something to do."""
        if route.inbox is not None and (self._health.paused or self._health.is_waiting):
            route.inbox.leave()  # nothing is held in memory for a place that takes nothing
        rests = [route.ledger.due_in_s]
        if not self._overseen:
            rests.append(max(0.0, self._refresh_at - self._timing.monotonic()))
        if self._health.rest_s > 0:
            rests.append(self._health.rest_s)
        elif self._health.end_rest():
            return  # it ended after the lanes were asked: nobody else would wake them
        elif not self._health.paused and not route.ledger.is_blocked:
            rests.extend(lane.rest_s for lane in self._lanes)
        if found := [rest for rest in rests if rest is not None]:
            await self._timing.wait(self._nudged, min(found))
        else:
            await self._nudged.wait()

    async def _refresh_if_due(self) -> None:
        now = self._timing.monotonic()
        if now < self._refresh_at:
            return
        self._refresh_at = now + REFRESH_S
        try:
            state = await asyncio.to_thread(self._subscription.state)
            last = (await asyncio.to_thread(self._log.bounds)).last
        except StorageError:
            logger.warning("state of a destination cannot be read", exc_info=True)
            return
        self.refreshed(state, last, read_at_s=now)
