"""Subscriptions in their own database, so that a position does not queue behind the collector's commits."""

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import starmap
from typing import Any

from trackside.log.person import Finder
from trackside.log.sqlite.erasing import as_kept, erase_held
from trackside.log.sqlite.event_codec import decode_event
from trackside.log.sqlite.replays import Replays
from trackside.log.sqlite.subscription_state import STATES, at, state_of
from trackside.log.subscription import DeadLetter, Held, Progress, Replay, SubscriptionState, Waiting
from trackside.sqlite.database import Database
from trackside.sqlite.instants import from_us, to_us

ADVANCE = """
    UPDATE subscriptions SET
        position = coalesce(:position, position),
        delivered = delivered + :delivered,
        filtered = filtered + :filtered,
        redelivered = redelivered + :redelivered,
        retrying = retrying + :retrying,
        dead = dead + :dead,
        checkpoint = coalesce(:checkpoint, checkpoint),
        last_delivered_at = coalesce(:delivered_at, last_delivered_at)
    WHERE id = :id
"""

_INSERT_WAITING = """
    INSERT INTO waiting VALUES (:subscription, :position, :due_at, :attempt, :reason, :event)
    ON CONFLICT (subscription, position) DO NOTHING
"""
_UPDATE_WAITING = """
    UPDATE waiting SET due_at = :due_at, attempt = :attempt, reason = :reason
    WHERE subscription = :subscription AND position = :position
"""
_INSERT_DEAD = """
    INSERT INTO dead SELECT :subscription, :position, :died_at, :attempts, :reason,
        coalesce((SELECT event FROM waiting WHERE subscription = :subscription AND position = :position), :event)
"""
"""The event as it waited: it may have been erased since."""


def _waiting(position: int, event: bytes, attempt: int, due_at: int, reason: str) -> Waiting:
    return Waiting(
        position=position, event=decode_event(event), attempt=attempt, due_at=from_us(due_at), reason=reason
    )


class SQLiteSubscription:
    """One destination's place in a SQLiteLog; usable from any thread and process."""

    def __init__(self, database: Database, name: str, number: int) -> None:
        self._database = database
        self._name = name
        self._id = number
        self._replays = Replays(database, number)

    @property
    def name(self) -> str:
        """The destination's name."""
        return self._name

    def state(self) -> SubscriptionState:
        """Return the state as last committed."""
        with self._database.reading() as connection:
            row = connection.execute(f"{STATES} WHERE subscriptions.id = ?", (self._id,)).fetchone()
        return state_of(row)

    def advance(self, progress: Progress, *, now: datetime) -> None:
        """Keep `progress` durably."""
        with self._database.writing() as connection:
            self.advance_in(connection, progress, now=now)

    def advance_in(self, connection: sqlite3.Connection, progress: Progress, *, now: datetime) -> None:
        """Keep `progress` in a transaction of the caller's."""
        connection.execute(ADVANCE, self.parameters_of(progress, connection, now=now))

    def parameters_of(
        self, progress: Progress, connection: sqlite3.Connection, *, now: datetime
    ) -> dict[str, object]:
        """Keep the rows of `progress`; return what is left of it: the parameters of `ADVANCE`."""
        retrying = self._keep_waiting(connection, progress.waiting) if progress.waiting else 0
        retrying -= self._remove("waiting", connection, progress.settled)
        dead = self._keep_dead(connection, progress.dead) if progress.dead else 0
        retrying -= self._remove("waiting", connection, [letter.position for letter in progress.dead])
        return {
            "id": self._id,
            "position": progress.position,
            "delivered": progress.delivered,
            "filtered": progress.filtered,
            "redelivered": progress.redelivered,
            "retrying": retrying,
            "dead": dead,
            "checkpoint": progress.checkpoint,
            "delivered_at": to_us(now) if progress.delivered or progress.redelivered else None,
        }

    def _keep_waiting(self, connection: sqlite3.Connection, rows: Sequence[Waiting]) -> int:
        """Insert or update; return by how many the rows became more. An event that is here stays: it may be erased."""
        values = {
            row.position: {
                "subscription": self._id,
                "position": row.position,
                "due_at": to_us(row.due_at),
                "attempt": row.attempt,
                "reason": row.reason,
                "event": as_kept(connection, row.position, row.event),
            }
            for row in rows
        }
        inserted = connection.executemany(_INSERT_WAITING, values.values()).rowcount
        if inserted < len(values):
            connection.executemany(_UPDATE_WAITING, values.values())
        return inserted

    def _keep_dead(self, connection: sqlite3.Connection, rows: Sequence[DeadLetter]) -> int:
        replaced = self._remove("dead", connection, [row.position for row in rows])
        values = {
            row.position: {
                "subscription": self._id,
                "position": row.position,
                "died_at": to_us(row.died_at),
                "attempts": row.attempts,
                "reason": row.reason,
                "event": as_kept(connection, row.position, row.event),
            }
            for row in rows
        }
        connection.executemany(_INSERT_DEAD, values.values())
        return len(values) - replaced

    def _remove(self, table: str, connection: sqlite3.Connection, positions: Sequence[int]) -> int:
        if not positions:
            return 0
        return connection.executemany(
            f"DELETE FROM {table} WHERE subscription = ? AND position = ?",  # noqa: S608  # one of our own names
            [(self._id, position) for position in positions],
        ).rowcount

    def due(self, now: datetime, limit: int) -> list[Waiting]:
        """Return what waits and is due, oldest due time first."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT position, event, attempt, due_at, reason FROM waiting"
                " WHERE subscription = ? AND due_at <= ? ORDER BY due_at, position LIMIT ?",
                (self._id, to_us(now), limit),
            ).fetchall()
        return list(starmap(_waiting, rows))

    def oldest_waiting(self) -> Waiting | None:
        """Return what waits at the smallest position."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT position, event, attempt, due_at, reason FROM waiting"
                " WHERE subscription = ? ORDER BY position LIMIT 1",
                (self._id,),
            ).fetchone()
        return _waiting(*row) if row else None

    def next_due_at(self) -> datetime | None:
        """Return when the next waiting event is due."""
        with self._database.reading() as connection:
            (due_at,) = connection.execute(
                "SELECT min(due_at) FROM waiting WHERE subscription = ?", (self._id,)
            ).fetchone()
        return at(due_at)

    def waiting_at(self, positions: Sequence[int]) -> list[Waiting]:
        """Return those of these positions that wait."""
        with self._database.reading() as connection:
            found = (
                connection.execute(
                    "SELECT position, event, attempt, due_at, reason FROM waiting"
                    " WHERE subscription = ? AND position = ?",
                    (self._id, position),
                ).fetchone()
                for position in sorted({*positions})
            )
            return [_waiting(*row) for row in found if row is not None]

    def report_failure(self, reason: str | None, *, now: datetime) -> None:
        """Note that the destination takes nothing, or takes events again."""
        if reason is None:
            self._update("failing_since = NULL")
        else:
            self._update("failing_since = coalesce(failing_since, ?), last_error = ?", to_us(now), reason)

    def pause(self, paused: bool, *, now: datetime | None = None) -> None:
        """Keep whether an operator wants this destination to rest."""
        if paused:
            self._update("paused = 1")
        else:
            since = to_us(now or datetime.now(UTC))
            self._update("paused = 0, failing_since = CASE WHEN failing_since > 0 THEN ? END", since)

    def _update(self, assignments: str, *values: Any) -> None:
        with self._database.writing() as connection:
            connection.execute(
                f"UPDATE subscriptions SET {assignments} WHERE id = ?",  # noqa: S608  # our own text
                (*values, self._id),
            )

    def dead_letters(self, *, limit: int = 100, after: int = 0) -> list[DeadLetter]:
        """Return dead letters after a position, in order."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT position, event, attempts, died_at, reason FROM dead"
                " WHERE subscription = ? AND position > ? ORDER BY position LIMIT ?",
                (self._id, after, limit),
            ).fetchall()
        return [
            DeadLetter(
                position=position,
                event=decode_event(event),
                attempts=attempts,
                died_at=from_us(died_at),
                reason=reason,
            )
            for position, event, attempts, died_at, reason in rows
        ]

    def retry_dead(self, positions: Sequence[int] | None, *, now: datetime) -> int:
        """Make dead letters wait again, due now."""
        with self._database.writing() as connection:
            chosen = self._chosen(connection, positions)
            connection.executemany(
                "INSERT OR REPLACE INTO waiting SELECT subscription, position, ?, 0, reason, event FROM dead"
                " WHERE subscription = ? AND position = ?",
                [(to_us(now), self._id, position) for position in chosen],
            )
            self._settle_dead(connection, chosen, "retrying")
        return len(chosen)

    def bury_waiting(self, reason: str, *, now: datetime) -> int:
        """Make a dead letter of each event that waits."""
        with self._database.writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO dead SELECT subscription, position, ?, attempt, ?, event FROM waiting"
                " WHERE subscription = ?",
                (to_us(now), reason, self._id),
            )
            count = connection.execute("DELETE FROM waiting WHERE subscription = ?", (self._id,)).rowcount
            connection.execute(
                "UPDATE subscriptions SET retrying = retrying - :n, dead = dead + :n WHERE id = :id",
                {"n": count, "id": self._id},
            )
        return count

    def erase_of(self, finder: Finder, *, dry_run: bool = False) -> Held:
        """Erase what names a person."""
        return erase_held(self._database, self._id, finder, dry_run=dry_run)

    def discard_dead(self, positions: Sequence[int] | None) -> int:
        """Give dead letters up; they count as filtered."""
        with self._database.writing() as connection:
            chosen = self._chosen(connection, positions)
            self._settle_dead(connection, chosen, "filtered")
        return len(chosen)

    def _chosen(self, connection: sqlite3.Connection, positions: Sequence[int] | None) -> list[int]:
        found = [
            position
            for (position,) in connection.execute(
                "SELECT position FROM dead WHERE subscription = ?", (self._id,)
            )
        ]
        if positions is None:
            return found
        wanted = set(positions)
        return [position for position in found if position in wanted]

    def _settle_dead(self, connection: sqlite3.Connection, positions: Sequence[int], becomes: str) -> None:
        self._remove("dead", connection, positions)
        connection.execute(
            f"UPDATE subscriptions SET dead = dead - :n, {becomes} = {becomes} + :n WHERE id = :id",  # noqa: S608
            {"n": len(positions), "id": self._id},
        )

    def request_replay(
        self,
        first: int,
        last: int,
        *,
        names: Sequence[str] = (),
        rate_per_s: float = 0.0,
        now: datetime | None = None,
    ) -> int:
        """Ask for events to be sent again; return the request's number."""
        at = now or datetime.now(UTC)
        return self._replays.request(first, last, names=names, rate_per_s=rate_per_s, now=at)

    def replays(self) -> list[Replay]:
        """Return the unfinished requests, oldest first."""
        return self._replays.select("finished_at IS NULL")

    def finished_replays(self) -> list[Replay]:
        """Return the finished requests that are remembered, oldest first."""
        return self._replays.select("finished_at IS NOT NULL")

    def advance_replay(
        self,
        number: int,
        *,
        next_position: int,
        redelivered: int,
        checkpoint: str | None,
        given_up: int = 0,
        gone: int = 0,
        reason: str | None = None,
        now: datetime | None = None,
    ) -> None:
        """Keep how far a replay is."""
        self._replays.advance(
            number,
            {
                "next": next_position,
                "redelivered": redelivered,
                "given_up": given_up,
                "gone": gone,
                "reason": reason,
                "checkpoint": checkpoint,
            },
            now=now or datetime.now(UTC),
        )

    def cancel_replay(self, number: int, *, now: datetime) -> bool:
        """End a request where it is."""
        return self._replays.cancel(number, now=now)

    def note_replays_seen(self) -> None:
        """Note that somebody saw what the finished requests gave up."""
        self._replays.note_seen()
