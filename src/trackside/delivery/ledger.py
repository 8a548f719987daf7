"""What a worker did since it last wrote it down."""

import asyncio
import logging

from trackside.delivery.keeping import Alone, Keeping
from trackside.delivery.timing import Timing
from trackside.destinations.base import Destination
from trackside.errors import StorageError
from trackside.log.subscription import DeadLetter, Progress, Subscription, Waiting
from trackside.telemetry import catalogue

logger = logging.getLogger(__name__)

COMMIT_EVERY_S = 0.15
"""Positions are written down at most this often: each time costs an fsync of the file and of the database."""
COMMIT_EVENTS = 10_000
"""… but at the latest after this many events: after a crash they go again to whoever has no checkpoint."""
REPEAT_S = 1.0


class CheckpointFailed(Exception):  # noqa: N818  # never leaves this package
    """The destination could not secure what it took; it has to be opened again from its last note."""


class Ledger:
    """Gathers the steps of a subscription and keeps them together, in one transaction."""

    def __init__(
        self,
        subscription: Subscription,
        destination: Destination,
        timing: Timing,
        position: int,
        keeping: Keeping | None = None,
    ) -> None:
        self.position = position
        """Up to here everything is delivered, filtered, waiting or dead, written down or not."""
        self.subscription = subscription
        self.step = asyncio.Lock()
        """Held while a step is being kept. Its next one must not be kept where it fails: rows of it would be lost."""
        self._destination = destination
        self._timing = timing
        self._keeping = keeping or Alone(timing)
        self._blocked_until: float | None = None
        self._committed_at = float("-inf")
        self._clear()

    def _clear(self) -> None:
        self._gathered = False
        self._delivered = self._filtered = 0
        self._waiting: list[Waiting] = []
        self._settled: list[int] = []
        self._dead: list[DeadLetter] = []

    def pass_through(self, position: int, *, delivered: int, filtered: int) -> None:
        """Note that all up to `position` is dealt with, so many of it delivered or not asked for."""
        self.position = position
        self._delivered += delivered
        self._filtered += filtered
        self._touch()
        name = self.subscription.name
        if delivered:
            catalogue.DELIVERY_OUTCOMES.add(delivered, name, "delivered")
        if filtered:
            catalogue.DELIVERY_OUTCOMES.add(filtered, name, "filtered")

    def settle(self, position: int, *, filtered: bool = False) -> None:
        """Note that an event that waited is delivered, or not asked for any more."""
        if filtered:
            self._filtered += 1
        else:
            self._delivered += 1
        self._settled.append(position)
        self._touch()
        outcome = "filtered" if filtered else "delivered"
        catalogue.DELIVERY_OUTCOMES.add(1, self.subscription.name, outcome)

    def wait(self, row: Waiting) -> None:
        """Note that an event waits for its next attempt."""
        self._waiting.append(row)
        self._touch()
        catalogue.DELIVERY_OUTCOMES.add(1, self.subscription.name, "retry")

    def bury(self, letter: DeadLetter) -> None:
        """Note that an event is dead."""
        self._dead.append(letter)
        self._touch()
        name = self.subscription.name
        catalogue.DELIVERY_OUTCOMES.add(1, name, "dead")
        if catalogue.EVENT_DEAD_LETTERED:
            catalogue.EVENT_DEAD_LETTERED.send(
                catalogue.EventDeadLettered(
                    destination=name,
                    position=letter.position,
                    event_id=letter.event.id,
                    name=letter.event.name,
                    attempts=letter.attempts,
                    reason=letter.reason,
                )
            )

    def _touch(self) -> None:
        self._gathered = True

    @property
    def is_clean(self) -> bool:
        """Whether everything is written down."""
        return not self._gathered and self._blocked_until is None and not self.step.locked()

    @property
    def is_blocked(self) -> bool:
        """Whether nothing more may be sent, because what was sent could not be written down."""
        return self._blocked_until is not None

    @property
    def due_in_s(self) -> float | None:
        """Return after how many seconds what gathered is to be written down; None where nothing did.

        After a long send it is at once: its events would go again after a crash, and so would those of the next one.
        """
        if not self._gathered:
            return None
        if self._blocked_until is not None:
            due_at = self._blocked_until
        elif self._delivered >= COMMIT_EVENTS:
            return 0.0
        else:
            due_at = self._committed_at + COMMIT_EVERY_S
        return max(0.0, due_at - self._timing.monotonic())

    async def commit_if_due(self) -> bool:
        """Write down what gathered, where it is time for it; return whether sending may go on that could not before."""
        if self.due_in_s != 0.0:
            return False
        blocked = self.is_blocked
        return await self.commit() and blocked

    async def commit(self, *, always: bool = False) -> bool:
        """Write down what gathered; return whether nothing is left to be written.

        With `always` the destination's note is kept although nothing gathered. Raises CheckpointFailed.
        """
        async with self.step:
            return await self._commit(always=always)

    async def _commit(self, *, always: bool) -> bool:
        if not self._gathered and not always:
            return True
        progress = self.take()
        try:
            await self._keeping.keep(self.subscription, progress, self.checkpoint)
        except StorageError:
            self.give_back(progress)
            self._blocked_until = self._timing.monotonic() + REPEAT_S
            logger.warning(
                "progress of a destination cannot be kept",
                exc_info=True,
                extra={"destination": self.subscription.name},
            )
            return False
        self._blocked_until = None
        self._committed_at = self._timing.monotonic()
        return True

    def checkpoint(self) -> str | None:
        """Return the destination's note; blocks while it secures what it took. Raises CheckpointFailed."""
        try:
            return self._destination.checkpoint()
        except Exception as error:
            raise CheckpointFailed(f"cannot secure what was sent: {error}") from error

    def take(self) -> Progress:
        """Return what gathered, and begin anew: more may be noted while it is written down."""
        progress = Progress(
            position=self.position,
            delivered=self._delivered,
            filtered=self._filtered,
            waiting=self._waiting,
            settled=self._settled,
            dead=self._dead,
        )
        self._clear()
        return progress

    def give_back(self, progress: Progress) -> None:
        """Note again what could not be written down, before what was noted since."""
        self._delivered += progress.delivered
        self._filtered += progress.filtered
        self._waiting[:0] = progress.waiting
        self._settled[:0] = progress.settled
        self._dead[:0] = progress.dead
        self._touch()
