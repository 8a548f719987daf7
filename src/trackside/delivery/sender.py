"""The one place where a destination is called: whatever it does, there is one outcome for each event."""

import logging
from collections.abc import Sequence

from trackside.delivery.timing import Timing
from trackside.destinations.base import (
    DELIVERED,
    FILTERED,
    Behind,
    Delivery,
    Destination,
    Filtered,
    Gone,
    Outcome,
    Retry,
    Unsent,
)
from trackside.errors import DestinationError
from trackside.event import ERASED
from trackside.telemetry import catalogue

logger = logging.getLogger(__name__)


class Sender:
    """Sends through one destination, counts and measures."""

    def __init__(self, name: str, destination: Destination, timing: Timing) -> None:
        self._name = name
        self._destination = destination
        self._timing = timing

    async def send(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        """Return one outcome for each delivery; Retry for all where the destination raised.

        What was erased goes nowhere: the destination is not asked, and it counts as filtered.
        """
        others = [delivery for delivery in deliveries if delivery.event.type != ERASED]
        if len(others) == len(deliveries):
            return await self._ask(deliveries)
        outcomes = iter(await self._ask(others) if others else ())
        return [FILTERED if each.event.type == ERASED else next(outcomes) for each in deliveries]

    async def _ask(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        started = self._timing.monotonic()
        try:
            outcomes = await self._destination.send(deliveries)
        except Exception as error:  # noqa: BLE001  # the border: a destination's fault stops nobody else
            outcomes = self._failed(error, len(deliveries))
        if len(outcomes) != len(deliveries):
            outcomes = self._failed(
                DestinationError(
                    f"the destination gave {len(outcomes)} outcomes for {len(deliveries)} events"
                ),
                len(deliveries),
            )
        catalogue.DELIVERY_ATTEMPTS.add(_attempts(outcomes), self._name)
        catalogue.DELIVERY_SEND_S.observe(self._timing.monotonic() - started, self._name)
        return outcomes

    def _failed(self, error: Exception, count: int) -> Sequence[Outcome]:
        catalogue.DELIVERY_FAILURES.add(1, self._name)
        logger.error("destination raised", exc_info=error, extra={"destination": self._name})
        # the text of an unforeseen exception may hold addresses or payloads: only the log gets it
        reason = str(error) if isinstance(error, DestinationError) else f"raised {type(error).__name__}"
        return [Retry(reason=reason)] * count

    def note_lag(self, newest: Delivery) -> None:
        """Measure how old `newest` is now that it is delivered."""
        age = self._timing.now() - newest.event.received_at
        catalogue.DELIVERY_LAG_S.set(age.total_seconds(), self._name)


def _attempts(outcomes: Sequence[Outcome]) -> int:
    if outcomes.count(DELIVERED) == len(outcomes):  # compared by identity, a page takes microseconds
        return len(outcomes)
    return sum(not isinstance(outcome, Filtered | Behind | Unsent | Gone) for outcome in outcomes)
