"""How often the fleet is woken: at once after a quiet time, ten times a second while much comes."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackside.delivery.wakes import AT_ONCE, GATHER_S, Wakes


def wakes_at(arrivals: list[float], *, late_s: float = 0.0) -> list[float]:
    """Return when events that arrive then wake somebody who comes back `late_s` after each rest."""
    wakes, free_at, seen_until = Wakes(), float("-inf"), float("-inf")
    woken: list[float] = []
    for arrived in arrivals:
        if arrived <= seen_until:
            continue  # it came with those of the last wake
        now = max(arrived, free_at)
        rest_s = wakes.rest_s(now)
        woken.append(now)
        seen_until, free_at = now, now + rest_s + (late_s if rest_s else 0.0)
    return woken


def test_events_of_a_quiet_time_wake_at_once() -> None:
    """Nobody waits while few come, however close together."""
    assert wakes_at([0.0, 0.001, 0.002, 5.0, 5.05]) == [0.0, 0.001, 0.002, 5.0, 5.05]


def test_a_flood_is_gathered() -> None:
    """While much comes there is one wake for all of a tenth of a second."""
    woken = wakes_at([n * 0.001 for n in range(5_000)])
    assert len(woken) <= AT_ONCE + 5.0 / GATHER_S + 1
    last = woken[-10:]
    assert [after - before for before, after in pairwise(last)] == pytest.approx([GATHER_S] * 9, abs=0.002)


def test_a_steady_stream_never_waits() -> None:
    """One event each tenth of a second is brought as it comes: that every wake is a little late does not add up."""
    arrivals = [n * GATHER_S + (n * 7 % 10) * 0.0005 for n in range(500)]
    assert wakes_at(arrivals, late_s=0.001) == arrivals


def test_one_pause_of_the_machine_does_not_stay() -> None:
    """After a wake that came late the next events are brought as they come."""
    arrivals = [0.0, 0.1, 0.2, 0.35, 0.4, 0.5, 0.6]
    assert wakes_at(arrivals) == arrivals


@given(st.lists(st.floats(0.0, 0.5), max_size=200), st.floats(0.0, 0.05))
def test_no_span_has_more(gaps: list[float], late_s: float) -> None:
    """In any time t there are at most t / GATHER_S + AT_ONCE wakes, whatever comes when."""
    arrivals = [sum(gaps[: n + 1]) for n in range(len(gaps))]
    woken = wakes_at(arrivals, late_s=late_s)
    for first, began in enumerate(woken):
        for last in range(first, len(woken)):
            assert last - first + 1 <= (woken[last] - began) / GATHER_S + AT_ONCE + 1e-6


@given(st.lists(st.floats(0.0, 0.5), max_size=100))
def test_nobody_waits_longer_than_one_gathering(gaps: list[float]) -> None:
    """An event is brought within a tenth of a second."""
    wakes, now = Wakes(), 0.0
    for gap in gaps:
        rest_s = wakes.rest_s(now)
        assert 0.0 <= rest_s <= GATHER_S + 1e-9
        now += max(rest_s, gap)
