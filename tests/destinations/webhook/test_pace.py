"""How fast an endpoint is sent to."""

from hypothesis import given
from hypothesis import strategies as st

from tests.destinations.webhook.tools import Clock
from trackside.destinations.webhook.pace import BURST_S, Pace


def test_no_limit() -> None:
    """A rate of 0 never waits."""
    pace = Pace(0.0, lambda: 0.0)
    assert [pace.take() for _ in range(3)] == [0.0, 0.0, 0.0]
    assert pace.wait_s == 0.0


def test_moments_are_evenly_apart() -> None:
    """At 10 a second, one each 0.1 s, after what may be made up for."""
    clock = Clock()
    pace = Pace(10.0, clock.moments.monotonic)
    waits = [round(pace.take(), 6) for _ in range(5)]
    assert waits == [0.0, 0.0, 0.1, 0.2, 0.3]
    assert round(pace.wait_s, 6) == 0.4


@given(rate=st.floats(0.5, 1_000), waits=st.lists(st.floats(0, 0.5), max_size=60))
def test_never_more_than_the_rate(rate: float, waits: list[float]) -> None:
    """In any stretch of time there are at most rate * (time + burst) + 1 moments, whenever they are asked for."""
    clock = Clock()
    pace = Pace(rate, clock.moments.monotonic)
    taken = []
    for wait in waits:
        clock.elapsed_s += wait
        taken.append(clock.elapsed_s + pace.take())
    for first, start in enumerate(taken):
        for last in range(first, len(taken)):
            assert last - first + 1 <= rate * (taken[last] - start + BURST_S) + 1 + 1e-6
