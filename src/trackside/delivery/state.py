"""What becomes of one event after one attempt: a pure function, without clock and database."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import assert_never

from msgspec import Struct

from trackside.delivery.schedule import RetrySchedule
from trackside.destinations.base import Behind, Delivered, Filtered, Gone, Outcome, Refused, Retry, Unsent

SHORTEST_WAIT_S = 0.1
"""What nobody was asked about is looked at again so soon at the earliest."""


class Settled(Struct, frozen=True):
    """The event is where it should be, or was not asked for there."""

    filtered: bool = False


class Wait(Struct, frozen=True, kw_only=True):
    """The event is tried again at `due_at`; `failures` attempts were spent so far."""

    due_at: datetime
    failures: int
    reason: str


class Dead(Struct, frozen=True, kw_only=True):
    """The event is not tried again by itself; `attempts` were made."""

    attempts: int
    reason: str


Decision = Settled | Wait | Dead
SETTLED = Settled()
PASSED = Settled(filtered=True)


def decide(
    attempt: int, outcome: Outcome, now: datetime, schedule: RetrySchedule, random: Callable[[], float]
) -> Decision:
    """Return what follows from the outcome of that attempt (1 for the first)."""
    match outcome:
        case Delivered():
            return SETTLED
        case Filtered():
            return PASSED
        case Refused(reason=reason):
            return Dead(attempts=attempt, reason=reason)
        case Retry(reason=reason, spends_attempt=True) if attempt >= schedule.max_attempts:
            return Dead(attempts=attempt, reason=reason)
        case Retry(reason=reason, after_s=after_s, spends_attempt=spends):
            asked = None if after_s is None else schedule.asked_s(after_s)
            delay_s = schedule.delay_s(attempt, random) if asked is None else asked
            failures = attempt if spends else attempt - 1
            return Wait(due_at=now + timedelta(seconds=delay_s), failures=failures, reason=reason)
        case Behind(reason=reason, after_s=after_s):
            return _unspent(attempt, after_s, reason, now)
        case Unsent(rest_s=rest_s, reason=reason):
            return _unspent(attempt, rest_s, reason or "not sent yet", now)
        case Gone(reason=reason):
            return _unspent(attempt, 0.0, reason, now)
        case _:
            assert_never(outcome)


def _unspent(attempt: int, after_s: float, reason: str, now: datetime) -> Wait:
    due_at = now + timedelta(seconds=max(after_s, SHORTEST_WAIT_S))
    return Wait(due_at=due_at, failures=attempt - 1, reason=reason)
