"""How often the fleet is woken for new events."""

from typing import Final

GATHER_S: Final = 0.1
"""On average it is woken at most this often: a page of a few events costs as much as one of many."""
AT_ONCE: Final = 10
"""… but so many times as it comes, after a quiet time."""


class Wakes:
    """Says how long to gather after a wake: in any time t there are at most t / `GATHER_S` + `AT_ONCE`.

    Each is counted from when it was due, not from when it came. Otherwise a steady stream of one event each `GATHER_S`
    would meet a waking that is a little later each time: its events waited longer and longer, up to `GATHER_S`.
    """

    def __init__(self) -> None:
        self._next_at = float("-inf")

    def rest_s(self, now: float) -> float:
        """Note a wake at `now` (monotonic); return how far away the next one is, 0 where it may come at once."""
        earliest = now - (AT_ONCE - 1) * GATHER_S
        self._next_at = max(self._next_at, earliest) + GATHER_S
        return max(0.0, self._next_at - now)
