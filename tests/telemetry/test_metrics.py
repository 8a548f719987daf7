"""Metrics count exactly, from any thread, within bounds."""

import sys
import threading

import pytest

from trackside.telemetry import Counter, Gauge, Histogram, Tally
from trackside.telemetry.metrics import _CATALOGUE, OTHER, SERIES_LIMIT


@pytest.fixture(autouse=True)
def _keep_catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trackside.telemetry.metrics._CATALOGUE", dict(_CATALOGUE))


def test_counter() -> None:
    """Additions under the same label values add up; others are apart."""
    counter = Counter("things_total", "Things.", ("kind", "size"))
    counter.add(1, "a", "big")
    counter.add(2, "a", "big")
    counter.add(0.5, "b", "big")
    assert counter.values() == {("a", "big"): 3, ("b", "big"): 0.5}
    assert counter.value("a", "big") == 3
    assert counter.value("c", "big") == 0


def test_threads_lose_nothing() -> None:
    """Additions from many threads, interrupted as often as the interpreter can, are all there."""
    counter = Counter("things_total", "Things.", ("kind",))
    histogram = Histogram("sizes", "Sizes.", ("kind",), bounds=(1.0,))
    start = threading.Barrier(8)

    def work() -> None:
        start.wait()
        for _ in range(5_000):
            counter.add(1, "a")
            histogram.observe(1, "a")

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert counter.value("a") == 40_000
    assert histogram.series() == {("a",): [40_000, 0, 40_000]}


@pytest.mark.parametrize("labels", [(), ("a", "b"), (200,)])
def test_labels_that_were_not_declared(labels: tuple[str, ...]) -> None:
    """A mistake in the code that counts is seen at once."""
    counter = Counter("things_total", "Things.", ("kind",))
    with pytest.raises(ValueError, match="things_total takes text for"):
        counter.add(1, *labels)


def test_label_values_from_outside_are_bounded() -> None:
    """Beyond the limit everything counts under one name, and nothing is lost."""
    counter = Counter("things_total", "Things.", ("kind",))
    for number in range(SERIES_LIMIT + 50):
        counter.add(1, str(number))
    assert len(counter.values()) == SERIES_LIMIT + 1
    assert counter.value(OTHER) == 50


def test_tally() -> None:
    """What is counted one by one and what is added come to one number; to look at it changes nothing."""
    tally = Tally("test_tally_total", "A test.")
    assert (tally.values(), tally.value()) == ({}, 0)
    for _ in range(3):
        tally.one()
        tally.value()
    tally.add(4)
    assert (tally.values(), tally.value()) == ({(): 7}, 7)
    tally.reset()
    assert tally.values() == {}
    tally.one()
    assert tally.value() == 1


def test_threads_lose_nothing_of_a_tally() -> None:
    tally = Tally("test_tally_threads_total", "A test.")

    def count() -> None:
        for _ in range(5_000):
            tally.one()
            tally.value()

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tally.value() == 40_000


def test_gauge() -> None:
    """A gauge holds what was set last, until it is removed."""
    gauge = Gauge("level", "Level.", ("tank",))
    gauge.set(5, "a")
    gauge.set(3, "a")
    assert gauge.values() == {("a",): 3}
    gauge.remove("a")
    gauge.remove("a")
    assert gauge.values() == {}


def test_histogram() -> None:
    """A value on a bound belongs below it; the sum is kept."""
    histogram = Histogram("sizes", "Sizes.", bounds=(10, 1))
    for value in (0.5, 1, 2, 10, 11):
        histogram.observe(value)
    assert histogram.series() == {(): [2, 2, 1, 24.5]}
