"""How fast an endpoint is sent to."""

from collections.abc import Callable
from typing import Final

BURST_S: Final = 0.1
"""What was not used of so much time may be made up for: no clock wakes anybody to the millisecond."""


class Pace:
    """Gives out moments to send at: in any time t at most `rate_per_s` * (t + `BURST_S`) + 1.

    A rate of 0 is no limit.
    """

    def __init__(self, rate_per_s: float, monotonic: Callable[[], float]) -> None:
        self._interval_s = 1.0 / rate_per_s if rate_per_s > 0 else 0.0
        self._monotonic = monotonic
        self._next_at = float("-inf")

    @property
    def wait_s(self) -> float:
        """Return how far away the next moment is."""
        return max(0.0, self._next_at - self._monotonic()) if self._interval_s else 0.0

    def take(self) -> float:
        """Take the next moment for oneself; return how far away it is."""
        if not self._interval_s:
            return 0.0
        now = self._monotonic()
        at = max(self._next_at, now - BURST_S)
        self._next_at = at + self._interval_s
        return max(0.0, at - now)
