"""All subscriptions of a log, where one at a time would take too long: there may be thousands."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import cast

from trackside.log.sqlite.subscription import ADVANCE, SQLiteSubscription
from trackside.log.sqlite.subscription_state import read_states
from trackside.log.subscription import Progress, Subscription, SubscriptionState
from trackside.sqlite.database import Database


def open_subscriptions(database: Database, starts: Mapping[str, int]) -> dict[str, SQLiteSubscription]:
    """Return the subscriptions of these names; a new one begins after its position in `starts`."""
    numbers = _numbers(database)
    if new := [(name, start, start) for name, start in starts.items() if name not in numbers]:
        with database.writing() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO subscriptions (name, start, position) VALUES (?, ?, ?)", new
            )
        numbers = _numbers(database)
    return {name: SQLiteSubscription(database, name, numbers[name]) for name in starts}


def _numbers(database: Database) -> dict[str, int]:
    with database.reading() as connection:
        return dict(connection.execute("SELECT name, id FROM subscriptions").fetchall())


def subscription_names(database: Database) -> list[str]:
    """Return the names of all subscriptions, sorted."""
    return sorted(_numbers(database))


def subscription_states(database: Database) -> dict[str, SubscriptionState]:
    """Return the states of all subscriptions, by name."""
    with database.reading() as connection:
        return read_states(connection)


def advance_all(database: Database, steps: Sequence[tuple[Subscription, Progress]], *, now: datetime) -> None:
    """Keep the steps in one transaction. The subscriptions are those of this database."""
    with database.writing() as connection:
        connection.executemany(
            ADVANCE,
            [
                cast("SQLiteSubscription", subscription).parameters_of(progress, connection, now=now)
                for subscription, progress in steps
            ],
        )


def passed_by_all(database: Database, names: Collection[str] | None) -> int | None:
    """Return the position up to which none of the subscriptions `names` (None: of all) needs anything.

    None where there is none of them. What a replay still has to send counts too.
    """
    with database.reading() as connection:
        rows = connection.execute(
            "SELECT name, position FROM subscriptions UNION ALL"
            " SELECT name, next - 1 FROM replays JOIN subscriptions ON subscriptions.id = subscription"
            " WHERE finished_at IS NULL"
        ).fetchall()
    return min((needed for name, needed in rows if names is None or name in names), default=None)
