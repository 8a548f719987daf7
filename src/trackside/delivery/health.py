"""Whether a destination takes anything, and how long it is left alone where it does not."""

import asyncio
import logging

from trackside.delivery.timing import Timing
from trackside.errors import StorageError
from trackside.log.base import Subscription
from trackside.telemetry import catalogue

logger = logging.getLogger(__name__)

UNPAUSED_REST_S = 60.0
"""How long a destination is left alone that should be paused, where that cannot be written down."""


class Health:
    """The state of one destination as its worker sees it: running, waiting, paused or stopped."""

    def __init__(self, subscription: Subscription, timing: Timing) -> None:
        self._subscription = subscription
        self._timing = timing
        self._state = "stopped"
        self._reported: str | None = None
        self._rests_until = 0.0
        self.paused = False
        """Whether nothing is to be sent until an operator resumes the destination."""

    @property
    def rest_s(self) -> float:
        """Return how long the destination is to be left alone; 0 where it may be tried now."""
        return max(0.0, self._rests_until - self._timing.monotonic())

    def begin(self, *, failing_for: str | None) -> None:
        """Take over what the subscription says: `failing_for` is its last error while it is failing."""
        self._reported = failing_for

    def rest(self, rest_s: float) -> None:
        """Leave the destination alone for that long although nothing is wrong with it."""
        self._rests_until = self._timing.monotonic() + rest_s

    async def give_up(self, reason: str) -> None:
        """Pause the destination, which wants nothing any more, and tell the operator why."""
        logger.error(
            "destination is paused: it wants nothing any more",
            extra={"destination": self._subscription.name, "reason": reason},
        )
        self.paused = True
        self.become("paused", reason)
        await self._report(reason)
        try:
            await asyncio.to_thread(self._subscription.pause, True)
        except StorageError:
            # not kept, so it is not paused after all: asked again a little later, and told the same
            logger.warning("state of a destination cannot be kept", exc_info=True)
            self.rest(UNPAUSED_REST_S)

    async def fail(self, reason: str, *, rest_s: float) -> None:
        """Note that the destination takes nothing and leave it alone for that long."""
        self._rests_until = self._timing.monotonic() + rest_s
        self.become("waiting", reason)
        if reason != self._reported:
            logger.warning(
                "destination takes nothing",
                extra={"destination": self._subscription.name, "reason": reason},
            )
            await self._report(reason)

    async def recover(self) -> None:
        """Note that the destination takes events."""
        self._rests_until = 0.0
        self.become("running")
        if self._reported is not None:
            logger.info("destination takes events again", extra={"destination": self._subscription.name})
            await self._report(None)

    async def _report(self, reason: str | None) -> None:
        try:
            await asyncio.to_thread(self._subscription.report_failure, reason, now=self._timing.now())
        except StorageError:
            # what is shown is out of date, nothing is lost: reported again with the next change
            logger.warning("state of a destination cannot be kept", exc_info=True)
            return
        self._reported = reason

    def become(self, state: str, reason: str | None = None) -> None:
        """Tell whoever listens that the destination is in `state` now, where that is new."""
        if state == self._state:
            return
        before, self._state = self._state, state
        name = self._subscription.name
        catalogue.DESTINATION_FAILING.set(state == "waiting", name)
        catalogue.DESTINATION_STATE_CHANGED.send(
            catalogue.DestinationStateChanged(destination=name, before=before, state=state, reason=reason)
        )
