"""The state of a subscription as a row."""

import sqlite3
from datetime import datetime
from typing import Any

from trackside.log.subscription import SubscriptionState
from trackside.sqlite.instants import from_us

STATES = """
    SELECT name, start, position, delivered, filtered, redelivered, retrying, dead, paused,
        failing_since, last_error, last_delivered_at, checkpoint,
        (SELECT min(due_at) FROM waiting WHERE waiting.subscription = subscriptions.id),
        (SELECT count(*) FROM replays
            WHERE replays.subscription = subscriptions.id AND replays.finished_at IS NULL),
        coalesce((SELECT value FROM meta WHERE key = 'erasures'), 0)
    FROM subscriptions
"""


def at(microseconds: int | None) -> datetime | None:
    """Return a moment as it is kept."""
    return None if microseconds is None else from_us(microseconds)


def state_of(row: tuple[Any, ...]) -> SubscriptionState:
    """Return the state that a row of `STATES` tells."""
    name, start, position, delivered, filtered, redelivered, retrying, dead, *rest = row
    paused, failing_since, last_error, last_delivered_at, checkpoint, next_due_at, replays, erasures = rest
    return SubscriptionState(
        name=name,
        start=start,
        position=position,
        delivered=delivered,
        filtered=filtered,
        redelivered=redelivered,
        retrying=retrying,
        dead=dead,
        paused=bool(paused),
        failing_since=at(failing_since),
        last_error=last_error,
        last_delivered_at=at(last_delivered_at),
        checkpoint=checkpoint,
        next_due_at=at(next_due_at),
        replays=replays,
        erasures=erasures,
    )


def read_states(connection: sqlite3.Connection) -> dict[str, SubscriptionState]:
    """Return the states of all subscriptions, by name."""
    return {row[0]: state_of(row) for row in connection.execute(STATES)}
