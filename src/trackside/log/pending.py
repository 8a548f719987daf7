"""How old the oldest event is that a destination still has to deal with."""

from datetime import datetime

from trackside.log.base import Log
from trackside.log.subscription import SubscriptionState


def oldest_pending_at(log: Log, state: SubscriptionState, last: int) -> datetime | None:
    """Return when the oldest event was received that is not tried yet or waits for another try.

    `last` is the log's end. None where there is no such event; dead letters do not count, they wait for an operator.
    At most one event is read.
    """
    pending_at = log.received_at(state.position + 1) if state.position < last else None
    row = log.subscription(state.name).oldest_waiting() if state.retrying else None
    moments = [pending_at, row.event.received_at if row else None]
    return min((moment for moment in moments if moment is not None), default=None)


def age_s(moment: datetime | None, now: datetime) -> float:
    """Return how long ago that was; 0 for None, and for what is in the future by our clock."""
    return 0.0 if moment is None else max(0.0, (now - moment).total_seconds())
