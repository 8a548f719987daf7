"""What becomes of one event after one attempt: a pure function, without clock and database."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import assert_never

from msgspec import Struct

from trackside.delivery.schedule import RetrySchedule
from trackside.destinations.base import Delivered, Outcome, Refused, Retry


class Settled(Struct, frozen=True):
    """The event is where it should be."""


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


def decide(
    attempt: int, outcome: Outcome, now: datetime, schedule: RetrySchedule, random: Callable[[], float]
) -> Decision:
    """Return what follows from the outcome of that attempt (1 for the first)."""
    match outcome:
        case Delivered():
            return SETTLED
        case Refused(reason=reason):
            return Dead(attempts=attempt, reason=reason)
        case Retry(reason=reason, spends_attempt=True) if attempt >= schedule.max_attempts:
            return Dead(attempts=attempt, reason=reason)
        case Retry(reason=reason, after_s=after_s, spends_attempt=spends):
            asked = None if after_s is None else schedule.asked_s(after_s)
            delay_s = schedule.delay_s(attempt, random) if asked is None else asked
            failures = attempt if spends else attempt - 1
            return Wait(due_at=now + timedelta(seconds=delay_s), failures=failures, reason=reason)
        case _:
            assert_never(outcome)
