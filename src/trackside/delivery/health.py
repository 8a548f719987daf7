"""Whether a destination takes anything, and how long it is left alone where it does not."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from trackside.delivery.disabling import why_disable
from trackside.delivery.timing import Timing
from trackside.errors import StorageError
from trackside.log.subscription import Subscription, SubscriptionState
from trackside.telemetry import catalogue

logger = logging.getLogger(__name__)

UNPAUSED_REST_S = 60.0
"""How long a destination is left alone that should be paused, where that cannot be written down."""


class Health:
    """The state of one destination as its worker sees it: running, waiting, paused or stopped."""

    def __init__(
        self,
        subscription: Subscription,
        timing: Timing,
        given_up: Callable[[str], None] | None = None,
        *,
        disable_after_s: float = 0.0,
    ) -> None:
        """`given_up` is told why, in a thread, when the destination pauses itself. It may raise StorageError.

        With `disable_after_s` it does so after having taken nothing for so long.
        """
        self._subscription = subscription
        self._given_up = given_up
        self._timing = timing
        self._disable_after_s = disable_after_s
        self._failing_since: datetime | None = None
        self._state = "stopped"
        self._reported: str | None = None
        self._rests_until = 0.0
        self._failed = False
        self._gave_up_at = float("-inf")
        self.paused = False
        """Whether nothing is to be sent until an operator resumes the destination."""

    @property
    def rest_s(self) -> float:
        """Return how long the destination is to be left alone; 0 where it may be tried now."""
        return max(0.0, self._rests_until - self._timing.monotonic())

    @property
    def is_waiting(self) -> bool:
        """Return whether the destination is left alone because something is wrong with it."""
        return self._failed and self.rest_s > 0

    @property
    def is_failing(self) -> bool:
        """Return whether it has taken nothing since it failed, in this process or in one before it."""
        return self._failing_since is not None

    def begin(self, state: SubscriptionState) -> None:
        """Take over what the subscription says of failures, those of a process before this one included."""
        self.paused = state.paused
        self._failing_since = state.failing_since
        self._reported = state.last_error if state.failing_since else None

    async def opened(self) -> None:
        """Note that the destination could be opened, which is no success where only an answer is one."""
        if self._disable_after_s:
            self._rests_until = 0.0
            self.become("running")
        else:
            await self.recover()

    def rest(self, rest_s: float) -> None:
        """Leave the destination alone for that long although nothing is wrong with it."""
        self._failed = False
        self._rests_until = self._timing.monotonic() + rest_s

    def end_rest(self) -> bool:
        """Return True, once, where a rest is over: what it held has to be looked at again."""
        is_over = 0.0 < self._rests_until <= self._timing.monotonic()
        if is_over:
            self._rests_until = 0.0
        return is_over

    async def give_up(self, reason: str) -> None:
        """Pause the destination, and tell the operator why: it wants nothing any more, or failed for too long."""
        name = self._subscription.name
        logger.error("destination is paused", extra={"destination": name, "reason": reason})
        told, self.paused = self._state == "paused", True
        self._gave_up_at = float("inf")
        self.become("paused", reason)
        await self._report(reason)
        try:
            await asyncio.to_thread(self._keep_given_up, reason)
        except StorageError:
            # not kept, so it is not paused after all: asked again a little later, and told the same
            logger.warning("state of a destination cannot be kept", exc_info=True)
            self.rest(UNPAUSED_REST_S)
        else:
            if not told:
                catalogue.DESTINATION_DISABLED.send(
                    catalogue.DestinationDisabled(destination=name, reason=reason)
                )
        self._gave_up_at = self._timing.monotonic()

    def heed(self, state: SubscriptionState, *, read_at_s: float) -> None:
        """Take over whether an operator paused or resumed the destination, as read at that moment (monotonic)."""
        if (
            state.paused or read_at_s > self._gave_up_at
        ):  # else it was read before this destination paused itself
            if self.paused and not state.paused:
                self.begin(state)  # resumed: it has all of its time again
            self.paused = state.paused
        self.become("paused" if self.paused else "waiting" if self.is_waiting else "running")

    def _keep_given_up(self, reason: str) -> None:
        if self._given_up is None:
            self._subscription.pause(True)
            return
        # first where its operator sees it: what was paused in the log alone would never be asked again
        self._given_up(reason)
        try:
            self._subscription.pause(True)
        except StorageError:  # it is declared as disabled, which is enough
            logger.warning("state of a destination cannot be kept", exc_info=True)

    async def fail(self, reason: str, *, rest_s: float) -> None:
        """Note that the destination takes nothing and leave it alone for that long, or pause it after too long."""
        self._failed = True
        self._rests_until = self._timing.monotonic() + rest_s
        if self.paused:
            return
        self._failing_since = self._failing_since or self._timing.now()
        if await self.give_up_if_too_long(reason):
            return
        self.become("waiting", reason)
        if reason != self._reported:
            logger.warning(
                "destination takes nothing",
                extra={"destination": self._subscription.name, "reason": reason},
            )
            await self._report(reason)

    async def give_up_if_too_long(self, reason: str) -> bool:
        """Pause a destination that fails with `reason`, and has taken nothing for too long; return whether it had."""
        too_long = why_disable(
            self._failing_since, self._timing.now(), disable_after_s=self._disable_after_s, reason=reason
        )
        if too_long is not None and not self.paused:
            await self.give_up(too_long)
        return too_long is not None

    async def recover(self) -> None:
        """Note that the destination takes events."""
        self._rests_until = 0.0
        self._failing_since = None
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
