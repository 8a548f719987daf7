"""A clock that is turned by hand and a destination that does as it is told."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from trackside.delivery.timing import Timing
from trackside.delivery.worker import DeliveryWorker
from trackside.destinations.base import DELIVERED, Delivery, Destination, DestinationSettings, Outcome
from trackside.errors import StorageError
from trackside.event import Batch
from trackside.log.base import Log, append_and_wait
from trackside.log.subscription import SubscriptionState
from trackside.testing.destination_contract import make_event

START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


class ManualTiming(Timing):
    """Time passes only while a worker waits, and then at once."""

    def __init__(self) -> None:
        self.elapsed_s = 0.0
        self.waits = 0
        self.until: Callable[[], bool] = lambda: False
        self.when_reached: Callable[[], None] = lambda: None

    def now(self) -> datetime:
        """Return the time that has come."""
        return START + timedelta(seconds=self.elapsed_s)

    def monotonic(self) -> float:
        """Return the seconds that have passed."""
        return self.elapsed_s

    async def wait(self, event: asyncio.Event, timeout_s: float) -> None:
        """Let the time pass, unless `event` is set."""
        self.waits += 1
        if self.until() or self.waits > 5_000:
            self.when_reached()
        if not event.is_set():
            self.elapsed_s += max(timeout_s, 0.0)
        await asyncio.sleep(0)


class Recorder:
    """A destination that keeps what it is sent and answers from a script."""

    def __init__(self, *, ordered: bool = False) -> None:
        self.ordered = ordered
        self.arrived: list[int] = []
        self.attempts: list[tuple[int, int]] = []
        self.pages: list[list[int]] = []
        self.script: Callable[[Delivery], Outcome] = lambda delivery: DELIVERED
        self.opened: list[str | None] = []
        self.closed = 0
        self.during: Callable[[], None] = lambda: None

    async def open(self, checkpoint: str | None) -> None:
        """Note the checkpoint."""
        self.opened.append(checkpoint)

    async def send(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        """Answer as the script says; in order, and no further than the first that must wait."""
        self.during()
        self.pages.append([delivery.position for delivery in deliveries])
        outcomes: list[Outcome] = []
        for delivery in deliveries:
            outcome = self.script(delivery)
            self.attempts.append((delivery.position, delivery.attempt))
            outcomes.append(outcome)
            if outcome is DELIVERED:
                self.arrived.append(delivery.position)
            elif self.ordered and not isinstance(outcome, type(DELIVERED)) and hasattr(outcome, "after_s"):
                return outcomes + [outcome] * (len(deliveries) - len(outcomes))
        return outcomes

    def checkpoint(self) -> str | None:
        """Return how many arrived."""
        return str(len(self.arrived))

    async def close(self) -> None:
        """Note it."""
        self.closed += 1


class Rows:
    """Declarations that a test writes."""

    def __init__(self, **settings: DestinationSettings) -> None:
        self.now: Mapping[str, DestinationSettings] = settings
        self.given_up: list[tuple[str, str]] = []
        self.broken = False

    def current(self) -> Mapping[str, DestinationSettings]:
        """Return them."""
        if self.broken:
            raise StorageError("the rows cannot be read")
        return self.now

    def disabled(self, name: str, reason: str) -> None:
        """Note it."""
        self.given_up.append((name, reason))


def fill(log: Log, numbers: Iterable[int]) -> None:
    """Append the events of these numbers."""
    append_and_wait(log, Batch(events=[make_event(number) for number in numbers]))


def deliver(
    log: Log,
    recorder: Destination,
    until: Callable[[], bool],
    *,
    timing: ManualTiming | None = None,
    settings: DestinationSettings | None = None,
    given_up: Callable[[str], None] | None = None,
) -> ManualTiming:
    """Let a worker run until `until` holds while it waits, and stop it; fail where that never comes."""
    timing = timing or ManualTiming()
    timing.waits = 0

    async def scenario() -> None:
        subscription = log.subscription("place")
        worker = DeliveryWorker(
            subscription,
            log,
            recorder,
            settings or DestinationSettings(max_attempts=3, min_backoff_s=5, max_backoff_s=60),
            timing=timing,
            random=lambda: 0.5,
            given_up=given_up,
        )
        timing.until = until
        timing.when_reached = worker.stop
        await asyncio.wait_for(worker.run(), timeout=30)

    asyncio.run(scenario())
    assert until(), f"never came; {state_of(log)}"
    return timing


def state_of(log: Log) -> SubscriptionState:
    """Return the state of the place's subscription; its account is always balanced."""
    state = log.subscription("place").state()
    accounted = state.delivered + state.filtered + state.retrying + state.dead
    assert state.position - state.start == accounted, state
    return state
