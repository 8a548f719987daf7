"""How many requests an endpoint may have at a time, and when it is left alone."""

from collections.abc import Callable
from typing import Final

FIRST_REST_S: Final = 5.0
LONGEST_REST_S: Final = 60.0
"""How late it is noticed at the most that an endpoint is back."""
JITTER: Final = 0.2
_NEVER: Final = float("-inf")


class Breaker:
    """Lets one request at a time through after `failures` failures in a row, with longer and longer rests between.

    After a success twice as many may be under way as before, up to `most`: an endpoint that comes back, with a
    backlog waiting for it, is not thrown down again.
    """

    def __init__(
        self, *, most: int, failures: int, monotonic: Callable[[], float], random: Callable[[], float]
    ) -> None:
        self.width = most
        """So many requests may be under way."""
        self.reason: str | None = None
        """Why the endpoint is left alone, for operators."""
        self._most = most
        self._limit = failures
        self._failures = 0
        self._rests = 0
        self._opened_at = _NEVER
        self._rests_until = _NEVER
        self._monotonic = monotonic
        self._random = random

    @property
    def rest_s(self) -> float:
        """Return how long nothing is to be sent; 0 where something may be."""
        if self._rests_until == _NEVER:
            return 0.0
        left_s = self._rests_until - self._monotonic()
        if left_s > 0:
            return left_s
        self._rests_until = _NEVER
        return 0.0

    @property
    def is_probing(self) -> bool:
        """Whether it is not known that the endpoint takes anything."""
        return self._failures >= self._limit

    def succeed(self) -> None:
        """Note that the endpoint took an event."""
        self._failures = self._rests = 0
        self.width = min(self._most, 2 * self.width)

    def fail(self, reason: str, *, started_at: float) -> None:
        """Note that an attempt that began at `started_at` failed."""
        self._failures += 1
        if self._failures < self._limit or started_at <= self._opened_at:
            return  # what was under way when it opened says nothing new
        self.width = 1
        self._opened_at = self._monotonic()
        rest_s = min(FIRST_REST_S * 2.0 ** min(self._rests, 10), LONGEST_REST_S)
        self._rests += 1
        self.rest(rest_s * (1 - JITTER + 2 * JITTER * self._random()), reason)

    def rest(self, rest_s: float, reason: str) -> None:
        """Leave the endpoint alone for that long, or as long as it is left alone already."""
        until = self._monotonic() + rest_s
        if until > self._rests_until:
            self._rests_until, self.reason = until, reason
