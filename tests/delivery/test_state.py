"""What becomes of one event after one attempt."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackside.delivery.schedule import RetrySchedule, exponential, schedule_of
from trackside.delivery.state import Dead, Decision, Settled, Wait, decide
from trackside.destinations.base import (
    DELIVERED,
    FILTERED,
    Behind,
    DestinationSettings,
    Gone,
    Outcome,
    Refused,
    Retry,
    Unsent,
)

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SCHEDULE = RetrySchedule((5.0, 300.0))


def wait(seconds: float, failures: int) -> Wait:
    return Wait(due_at=NOW + timedelta(seconds=seconds), failures=failures, reason="busy")


@pytest.mark.parametrize(
    ("attempt", "outcome", "decision"),
    [
        (1, DELIVERED, Settled()),
        (3, DELIVERED, Settled()),
        (1, Refused(reason="gone"), Dead(attempts=1, reason="gone")),
        (2, Refused(reason="gone"), Dead(attempts=2, reason="gone")),
        (1, Retry(reason="busy"), wait(5, 1)),
        (2, Retry(reason="busy"), wait(300, 2)),
        (3, Retry(reason="busy"), Dead(attempts=3, reason="busy")),
        (9, Retry(reason="busy"), Dead(attempts=9, reason="busy")),
        (1, Retry(reason="busy", spends_attempt=False), wait(5, 0)),
        (3, Retry(reason="busy", spends_attempt=False), wait(300, 2)),
        (1, Retry(reason="busy", after_s=60), wait(60, 1)),
        (1, Retry(reason="busy", after_s=60, spends_attempt=False), wait(60, 0)),
        (3, Retry(reason="busy", after_s=60), Dead(attempts=3, reason="busy")),
        (1, Retry(reason="busy", after_s=0), wait(0.1, 1)),
        (1, Retry(reason="busy", after_s=-5), wait(0.1, 1)),
        (1, Retry(reason="busy", after_s=315_360_000), wait(86_400, 1)),
        (1, Retry(reason="busy", after_s=float("inf")), wait(86_400, 1)),
        (1, Retry(reason="busy", after_s=float("nan")), wait(5, 1)),
        (2, FILTERED, Settled(filtered=True)),
        (3, Behind(reason="busy", after_s=7), wait(7, 2)),
        (1, Behind(reason="busy", after_s=-1), wait(0.1, 0)),
        (9, Unsent(reason="busy", rest_s=60), wait(60, 8)),
        (1, Gone(reason="busy"), wait(0.1, 0)),
    ],
)
def test_decide(attempt: int, outcome: Outcome, decision: Decision) -> None:
    """The table of transitions."""
    assert decide(attempt, outcome, NOW, SCHEDULE, lambda: 0.5) == decision


@pytest.mark.parametrize(("drawn", "delay_s"), [(0.0, 4.0), (0.5, 5.0), (1.0, 6.0)])
def test_jitter_is_a_fifth(drawn: float, delay_s: float) -> None:
    """Randomness moves a wait by 20 % at the most."""
    assert SCHEDULE.delay_s(1, lambda: drawn) == pytest.approx(delay_s)


def test_exponential() -> None:
    """Waits double up to the longest; there is one attempt more than waits."""
    schedule = exponential(attempts=6, first_s=5, longest_s=50)
    assert list(schedule.delays_s) == [5, 10, 20, 40, 50]
    assert schedule.max_attempts == 6


def test_a_thousand_attempts_do_not_overflow() -> None:
    """The largest schedule the settings allow has finite waits."""
    schedule = schedule_of(
        DestinationSettings(max_attempts=1_000, min_backoff_s=86_400, max_backoff_s=604_800)
    )
    assert max(schedule.delays_s) == 604_800


def test_one_attempt_has_no_schedule() -> None:
    """Without waits a failure is the end, unless it is ours."""
    schedule = exponential(attempts=1, first_s=5, longest_s=50)
    assert decide(1, Retry(reason="busy"), NOW, schedule, lambda: 0.5) == Dead(attempts=1, reason="busy")
    assert isinstance(decide(1, Retry(reason="b", spends_attempt=False), NOW, schedule, lambda: 0.5), Wait)


@given(
    attempts=st.integers(1, 30),
    after_s=st.none() | st.floats(),
    drawn=st.floats(0, 1),
)
def test_every_event_ends(attempts: int, after_s: float | None, drawn: float) -> None:
    """However a place answers, an event that spends attempts is settled or dead after `max_attempts`."""
    schedule = exponential(attempts=attempts, first_s=1, longest_s=60)
    made, failures = 1, 0
    decision: Decision = decide(1, Retry(reason="r", after_s=after_s), NOW, schedule, lambda: drawn)
    while isinstance(decision, Wait):
        assert NOW < decision.due_at <= NOW + timedelta(days=1)
        assert decision.failures == failures + 1
        made, failures = made + 1, decision.failures
        decision = decide(made, Retry(reason="r", after_s=after_s), NOW, schedule, lambda: drawn)
    assert decision == Dead(attempts=attempts, reason="r")
