"""The three kinds of metric: cheap enough for every event, safe from every thread.

An addition is one dictionary update without a lock: under the interpreter's global lock `values[labels] += n`
cannot be interrupted between its read and its write (threads change only at calls and backward jumps, and
tuples of text are hashed in C). A lock would cost more than the addition itself. Free-threaded builds, where
this does not hold, take the lock.
"""

import sys
import threading
from bisect import bisect_left
from collections.abc import Callable, Iterator
from itertools import count
from typing import Literal

Labels = tuple[str, ...]
Merge = Literal["sum", "latest"]

SERIES_LIMIT = 1_000
"""A metric has at most this many combinations of label values; those beyond count under `OTHER`."""
OTHER = "other"

_GIL = bool(getattr(sys, "_is_gil_enabled", lambda: True)())


class Metric:
    """A named measurement with the labels its values are told apart by."""

    kind: Literal["counter", "gauge", "histogram"]

    def __init__(self, name: str, sentence: str, labels: Labels = ()) -> None:
        self.name = name
        self.sentence = sentence
        self.labels = labels
        self._lock = threading.Lock()
        _CATALOGUE[name] = self

    def reset(self) -> None:
        """Forget all values; for a forked child, whose parent reports them, and for tests."""
        raise NotImplementedError

    def _checked(self, labels: Labels, known: int) -> Labels:
        if len(labels) != len(self.labels) or not all(isinstance(value, str) for value in labels):
            raise ValueError(f"{self.name} takes text for {list(self.labels)}, not {list(labels)!r}")
        return labels if known < SERIES_LIMIT else (OTHER,) * len(labels)


class _Scalar(Metric):
    """A metric with one number per combination of label values."""

    def __init__(self, name: str, sentence: str, labels: Labels = ()) -> None:
        super().__init__(name, sentence, labels)
        self._values: dict[Labels, float] = {}

    def values(self) -> dict[Labels, float]:
        """Return a copy of the values by label values."""
        return self._values.copy()

    def value(self, *labels: str) -> float:
        """Return the value for these label values; 0 where there is none."""
        return self._values.get(labels, 0)

    def reset(self) -> None:
        """Forget all values; for a forked child, whose parent reports them, and for tests."""
        self._lock = threading.Lock()
        self._values = {}

    def _admit(self, labels: Labels) -> Labels:
        with self._lock:
            if labels not in self._values:
                labels = self._checked(labels, len(self._values))
                self._values.setdefault(labels, 0)
        return labels


class Counter(_Scalar):
    """A number that only grows, also across the restart of a process."""

    kind = "counter"

    if _GIL:

        def add(self, amount: float, *labels: str) -> None:
            """Add `amount`, which is not negative, under these label values (in the order declared)."""
            try:
                self._values[labels] += amount
            except KeyError:
                self._values[self._admit(labels)] += amount

    else:

        def add(self, amount: float, *labels: str) -> None:
            """Add `amount`, which is not negative, under these label values (in the order declared)."""
            admitted = labels if labels in self._values else self._admit(labels)
            with self._lock:
                self._values[admitted] += amount


class Tally(Counter):
    """A counter without labels, for what is counted one by one: `one` takes a third of the time of `add(1)`."""

    one: Callable[[], object]
    """Adds 1."""

    def __init__(self, name: str, sentence: str) -> None:
        super().__init__(name, sentence)
        self._begin()

    def _begin(self) -> None:
        ticks = count()
        self._ticks, self._looks = ticks, 0
        self.one = ticks.__next__ if _GIL else lambda: self.add(1)

    def values(self) -> dict[Labels, float]:
        """Return a copy of the values by label values."""
        with self._lock:
            # To look is to count, too: what looked is taken off again.
            ones = next(self._ticks) - self._looks
            self._looks += 1
        values = self._values.copy()
        if ones:
            values[()] = values.get((), 0) + ones
        return values

    def value(self, *labels: str) -> float:
        """Return the value; 0 before the first."""
        return self.values().get(labels, 0)

    def reset(self) -> None:
        """Forget all values; for a forked child, whose parent reports them, and for tests."""
        super().reset()
        self._begin()


class Gauge(_Scalar):
    """A number that goes up and down.

    Over several processes it is their `sum`, or the `latest` one set where only one process knows it.
    """

    kind = "gauge"

    def __init__(self, name: str, sentence: str, labels: Labels = (), *, merge: Merge = "sum") -> None:
        super().__init__(name, sentence, labels)
        self.merge: Merge = merge

    def set(self, value: float, *labels: str) -> None:
        """Make `value` the current one under these label values."""
        self._values[labels if labels in self._values else self._admit(labels)] = value

    def remove(self, *labels: str) -> None:
        """Forget the value under these label values, so that it is reported no longer."""
        self._values.pop(labels, None)


class Histogram(Metric):
    """How often a value fell into each of some ranges, and the sum of all values."""

    kind = "histogram"

    def __init__(self, name: str, sentence: str, labels: Labels = (), *, bounds: tuple[float, ...]) -> None:
        super().__init__(name, sentence, labels)
        self.bounds = tuple(sorted(bounds))
        """Upper ends of the ranges, inclusive; the last range has none."""
        self._series: dict[Labels, list[float]] = {}

    def observe(self, value: float, *labels: str) -> None:
        """Count `value` under these label values."""
        with self._lock:
            series = self._series.get(labels)
            if series is None:
                labels = self._checked(labels, len(self._series))
                series = self._series.setdefault(labels, [0.0] * (len(self.bounds) + 2))
            series[bisect_left(self.bounds, value)] += 1
            series[-1] += value

    def series(self) -> dict[Labels, list[float]]:
        """Return, by label values, the count of each range (the endless one last) and then the sum."""
        with self._lock:
            return {labels: series.copy() for labels, series in self._series.items()}

    def reset(self) -> None:
        """Forget all values; for a forked child, whose parent reports them, and for tests."""
        self._lock = threading.Lock()
        self._series = {}


_CATALOGUE: dict[str, Metric] = {}


def declared_metrics() -> Iterator[Metric]:
    """Iterate over every metric declared, in order of declaration."""
    return iter(tuple(_CATALOGUE.values()))


def reset() -> None:
    """Forget the values of all metrics."""
    for each in declared_metrics():
        each.reset()
