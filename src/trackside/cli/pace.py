"""How fast, as people write it, and how long something will take."""

import re
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

_RATE = re.compile(r"(\d+(?:\.\d+)?)(?:/(s|min|h))?")
_SECONDS = {None: 1, "s": 1, "min": 60, "h": 3_600}
_MOST_PER_S = 1_000_000
_WINDOW_S = 10.0

if TYPE_CHECKING:
    _Base = click.ParamType[float]
else:
    _Base = click.ParamType  # not subscriptable in every release of click


class Rate(_Base):
    """A command line value that is a number of events a second."""

    name = "rate"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return what `50/s`, `50`, `600/min` or `5000/h` means."""
        if isinstance(value, float):
            return value
        found = _RATE.fullmatch(str(value).strip())
        rate_per_s = float(found[1]) / _SECONDS[found[2]] if found else 0.0
        if not 0 < rate_per_s <= _MOST_PER_S:
            self.fail(
                f"{value!r} is no rate; want events in a time, like 50/s, 600/min or 5000/h", param, ctx
            )
        return rate_per_s


class Speed:
    """How fast a number grows, by what it was over the last ten seconds."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._seen: deque[tuple[float, int]] = deque()

    def note(self, value: int) -> None:
        """Note what the number is now."""
        now = self._monotonic()
        self._seen.append((now, value))
        while len(self._seen) > 2 and now - self._seen[1][0] >= _WINDOW_S:
            self._seen.popleft()

    @property
    def per_s(self) -> float:
        """Return by how much it grew in a second; 0 where that is not known yet."""
        if len(self._seen) < 2:
            return 0.0
        (began_at, first), (at, last) = self._seen[0], self._seen[-1]
        return (last - first) / (at - began_at) if at > began_at else 0.0


def duration_text(seconds: float) -> str:
    """Return a time as people read it: `40 s`, `12 min`, `5 h`."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def time_left_text(left: int, per_s: float) -> str:
    """Return how long `left` take at that speed, or that nobody knows."""
    return f"{duration_text(left / per_s)} left" if per_s > 0 else "time left unknown"
