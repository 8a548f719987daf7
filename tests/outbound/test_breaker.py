"""How many requests an endpoint may have at a time, and when it is left alone."""

import pytest

from tests.destinations.webhook.tools import Clock
from trackside.outbound.breaker import Breaker


def breaker(clock: Clock, *, most: int = 8, failures: int = 3) -> Breaker:
    return Breaker(
        most=most, failures=failures, monotonic=clock.moments.monotonic, random=clock.moments.random
    )


def fail(one: Breaker, clock: Clock, times: int = 1) -> None:
    for _ in range(times):
        one.fail("answered 500", started_at=clock.elapsed_s)


def test_closed_until_enough_failures_in_a_row() -> None:
    """A success in between begins the count anew."""
    clock = Clock()
    one = breaker(clock)
    fail(one, clock, 2)
    one.succeed()
    fail(one, clock, 2)
    assert (one.width, one.rest_s) == (8, 0.0)
    fail(one, clock)
    assert (one.width, one.rest_s, one.reason) == (1, 5.0, "answered 500")


def test_it_probes_until_something_is_taken() -> None:
    """From the failure that opens it to the first success, however many rests are between."""
    clock = Clock()
    one = breaker(clock)
    found: list[bool] = []
    for failures in (2, 1, 0):
        fail(one, clock, failures)
        if not failures:
            one.succeed()
        clock.elapsed_s += 1_000
        found.append(one.is_probing)
    assert found == [False, True, False]


def test_rests_grow_to_a_minute() -> None:
    """Each probe that fails makes the rest longer, up to a minute, after which somebody looks again."""
    clock = Clock()
    one = breaker(clock)
    fail(one, clock, 3)
    rests = []
    for _ in range(6):
        rests.append(one.rest_s)
        clock.elapsed_s += one.rest_s
        fail(one, clock)
    assert rests == [5, 10, 20, 40, 60, 60]


def test_what_was_under_way_when_it_opened_says_nothing_new() -> None:
    """Eight requests that fail together are one reason to rest, not eight."""
    clock = Clock()
    one = breaker(clock)
    fail(one, clock, 3)
    clock.elapsed_s += 1
    for _ in range(5):
        one.fail("timeout", started_at=0.0 - 1)
    assert one.rest_s == 4.0


def test_after_a_success_it_widens_step_by_step() -> None:
    """An endpoint that is back gets twice as much after each event it took, not all at once."""
    clock = Clock()
    one = breaker(clock)
    fail(one, clock, 3)
    widths = []
    for _ in range(5):
        widths.append(one.width)
        one.succeed()
    assert widths == [1, 2, 4, 8, 8]
    fail(one, clock, 2)
    assert one.width == 8


def test_a_longer_rest_counts() -> None:
    """What an endpoint asks for does not shorten what it has already."""
    clock = Clock()
    one = breaker(clock)
    one.rest(30, "come later")
    one.rest(10, "sooner")
    assert (one.rest_s, one.reason) == (30.0, "come later")
    clock.elapsed_s += 31
    assert one.rest_s == 0.0


@pytest.mark.parametrize(("drawn", "rest_s"), [(0.0, 4.0), (1.0, 6.0)])
def test_jitter(drawn: float, rest_s: float) -> None:
    """Rests vary by a fifth, so that many endpoints of one host do not come back together."""
    clock = Clock()
    one = Breaker(most=1, failures=1, monotonic=clock.moments.monotonic, random=lambda: drawn)
    fail(one, clock)
    assert one.rest_s == pytest.approx(rest_s)
