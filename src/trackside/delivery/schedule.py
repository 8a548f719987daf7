"""How long to wait between attempts."""

from collections.abc import Callable
from math import isnan

from msgspec import Struct

from trackside.destinations.base import DestinationSettings, doubling_s

JITTER = 0.2
"""Waits vary by this part in both directions, so that what failed together does not come back together."""

SHORTEST_ASKED_S = 0.1
LONGEST_ASKED_S = 86_400.0
"""The longest wait a place may ask for; a Retry-After of ten years means a day."""


class RetrySchedule(Struct, frozen=True):
    """The waits after the first, second, … failure; an event gets one attempt more than there are waits."""

    delays_s: tuple[float, ...]

    @property
    def max_attempts(self) -> int:
        """How often one event is tried in all."""
        return len(self.delays_s) + 1

    def delay_s(self, failures: int, random: Callable[[], float]) -> float:
        """Return the wait after that many failures (1 or more), ±20 %; `random` gives 0 to 1.

        Failures beyond the schedule (those that spend no attempt) wait as long as its last.
        """
        if not self.delays_s:
            return 1.0
        delay = self.delays_s[min(max(failures, 1), len(self.delays_s)) - 1]
        return delay * (1 - JITTER + 2 * JITTER * random())

    def asked_s(self, after_s: float) -> float | None:
        """Return the wait a place asked for, kept within 0.1 s and a day; None where that was no number."""
        return None if isnan(after_s) else min(max(after_s, SHORTEST_ASKED_S), LONGEST_ASKED_S)


def exponential(*, attempts: int, first_s: float, longest_s: float) -> RetrySchedule:
    """Return a schedule whose waits double from `first_s` up to `longest_s`."""
    return RetrySchedule(doubling_s(attempts=attempts, first_s=first_s, longest_s=longest_s))


def schedule_of(settings: DestinationSettings) -> RetrySchedule:
    """Return the schedule these settings describe."""
    return RetrySchedule(settings.delays_s())
