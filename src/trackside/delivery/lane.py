"""What the three lanes of a worker (live, retries, replay) share."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeGuard

from trackside.delivery.feed import Inbox
from trackside.delivery.health import Health
from trackside.delivery.ledger import Ledger
from trackside.delivery.schedule import RetrySchedule
from trackside.delivery.sender import Sender
from trackside.delivery.state import Dead, Decision, Settled, Wait, decide
from trackside.delivery.timing import Timing
from trackside.destinations.base import DELIVERED, Delivery, Gone, Outcome, Refused, Retry, Unsent
from trackside.event import NameFilter
from trackside.log.base import Log
from trackside.log.subscription import DeadLetter, Subscription, SubscriptionState, Waiting
from trackside.telemetry import catalogue

PAGE_EVENTS = 1_000
"""How many events are read and sent at once: the fixed cost of a step is about 0.2 ms.

Pages of 2,000 and 4,000 were no faster from a backlog, nor was reading one ahead while the last one is sent: the
two threads wait for one another. A slow place would hold more of them when the process ends."""

PROBE_EVENTS = 10
"""How many are read where more would be left untouched: a place that takes nothing is tried with the first, or few."""
NOTHING_DONE_REST_S = 1.0
"""How long a destination is left alone that did nothing with what it was handed, and did not say for how long."""


class Route:
    """One opening of a destination: where its events come from, where they go, what is noted about them."""

    def __init__(
        self,
        *,
        log: Log,
        subscription: Subscription,
        names: NameFilter | None,
        ordered: bool,
        schedule: RetrySchedule,
        sender: Sender,
        ledger: Ledger,
        health: Health,
        timing: Timing,
        random: Callable[[], float],
        inbox: Inbox | None = None,
    ) -> None:
        self.log = log
        self.subscription = subscription
        self.names = names
        self.ordered = ordered
        self.schedule = schedule
        self.sender = sender
        self.ledger = ledger
        self.health = health
        self.timing = timing
        self.random = random
        self.inbox = inbox

    def decide(self, delivery: Delivery, outcome: Outcome) -> Decision:
        """Return what follows from the outcome of a delivery; tell whoever listens of an attempt that failed."""
        decision = decide(delivery.attempt, outcome, self.timing.now(), self.schedule, self.random)
        if catalogue.DELIVERY_FAILED and is_failed_attempt(outcome):
            self._tell_failed(delivery, decision)
        return decision

    def _tell_failed(self, delivery: Delivery, decision: Decision) -> None:
        if isinstance(decision, Settled):
            return
        catalogue.DELIVERY_FAILED.send(
            catalogue.DeliveryFailed(
                destination=self.subscription.name,
                position=delivery.position,
                event_id=delivery.event.id,
                name=delivery.event.name,
                attempt=delivery.attempt,
                reason=decision.reason,
                next_at=decision.due_at if isinstance(decision, Wait) else None,
            )
        )

    async def heed(self, outcomes: Sequence[Outcome]) -> bool:
        """Leave the destination alone, or pause it, where it asks for that; return whether it did."""
        longest = Unsent()
        for outcome in outcomes:
            match outcome:
                case Gone(reason=reason):
                    await self.health.give_up(reason)
                    return True
                case Unsent(rest_s=rest_s) if rest_s > longest.rest_s:
                    longest = outcome
                case _:
                    pass
        if longest.rest_s <= 0:
            if not all(isinstance(outcome, Unsent) for outcome in outcomes):
                return False
            longest = Unsent(rest_s=NOTHING_DONE_REST_S)  # or the worker would ask again without end
        if longest.reason is None:
            self.health.rest(longest.rest_s)
        else:
            await self.health.fail(longest.reason, rest_s=longest.rest_s)
        return True

    def keep_waiting(self, delivery: Delivery, wait: Wait) -> None:
        """Note that the event has a next attempt of its own."""
        self.ledger.wait(
            Waiting(
                position=delivery.position,
                event=delivery.event,
                attempt=wait.failures,
                due_at=wait.due_at,
                reason=wait.reason,
            )
        )

    def bury(self, delivery: Delivery, dead: Dead) -> None:
        """Note that the event is a dead letter from now on."""
        self.ledger.bury(
            DeadLetter(
                position=delivery.position,
                event=delivery.event,
                attempts=dead.attempts,
                died_at=self.timing.now(),
                reason=dead.reason,
            )
        )


def is_failed_attempt(outcome: Outcome) -> TypeGuard[Refused | Retry]:
    """Return whether the destination was asked to take the event, and did not."""
    return isinstance(outcome, Refused) or (isinstance(outcome, Retry) and outcome.spends_attempt)


def is_unasked(outcome: Outcome) -> bool:
    """Return whether the event stays where it is: in the log, or among what waits."""
    return isinstance(outcome, Unsent | Gone)


class Portion:
    """How many events are read at a time: `most`, or about twice as many as the destination dealt with lately.

    What it leaves untouched is read, decoded and planned again each time, in the loop that all the others share: of a
    dead place a thousand events for each single request that finds out whether it is back.
    """

    def __init__(self, most: int, *, probing: bool) -> None:
        """With `probing` it begins small: it is known that the destination took nothing."""
        self._most = most
        self.size = PROBE_EVENTS if probing else most

    def heed(self, outcomes: Sequence[Outcome]) -> None:
        """Note what became of the last portion."""
        left = 0 if outcomes.count(DELIVERED) == len(outcomes) else sum(map(is_unasked, outcomes))
        wanted = 2 * (len(outcomes) - left if left else self.size)
        self.size = min(self._most, max(PROBE_EVENTS, wanted))


class Lane(Protocol):
    """One kind of work for a destination."""

    async def step(self) -> bool:
        """Do a bounded piece of work; return whether there may be more to do at once."""
        ...

    def refreshed(self, state: SubscriptionState) -> None:
        """Notice what other processes changed; called about every second."""
        ...

    @property
    def rest_s(self) -> float | None:
        """After how many seconds this lane wants to be asked again by itself; None: never."""
        ...
