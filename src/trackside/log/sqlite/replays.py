"""The requests to send events again, of one subscription, in its database."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from trackside.log.subscription import REPLAYS_KEPT, Replay
from trackside.sqlite.database import Database
from trackside.sqlite.instants import from_us, to_us

_COLUMNS = (
    "number, first, next, until, names, rate_per_s, redelivered, given_up, reason, gone,"
    " requested_at, finished_at, cancelled, seen"
)
_ADVANCE = """
    UPDATE replays SET
        next = :next,
        redelivered = redelivered + :redelivered,
        given_up = given_up + :given_up,
        gone = gone + :gone,
        reason = coalesce(:reason, reason),
        finished_at = coalesce(finished_at, CASE WHEN :next > until THEN :now END)
    WHERE number = :number AND subscription = :subscription
"""
_NAMES = msgspec.json.Decoder(tuple[str, ...])


class Replays:
    """What one subscription was asked to send again. The finished stay for a while."""

    def __init__(self, database: Database, subscription: int) -> None:
        self._database = database
        self._subscription = subscription

    def request(
        self, first: int, last: int, *, names: Sequence[str], rate_per_s: float, now: datetime
    ) -> int:
        """Keep a request, or give the one there is its new rate; return its number."""
        text = msgspec.json.encode(sorted(set(names))).decode()
        with self._database.writing() as connection:
            self._forget(connection, now)
            known = connection.execute(
                "UPDATE replays SET rate_per_s = ? WHERE subscription = ? AND finished_at IS NULL"
                " AND first = ? AND until = ? AND names = ? RETURNING number",
                (rate_per_s, self._subscription, first, last, text),
            ).fetchone()
            if known is not None:
                return int(known[0])
            number = connection.execute(
                "INSERT INTO replays (subscription, first, next, until, names, rate_per_s, requested_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (self._subscription, first, first, last, text, rate_per_s, to_us(now)),
            ).lastrowid
            if last < first:
                connection.execute("DELETE FROM replays WHERE number = ?", (number,))
        return number or 0

    def select(self, condition: str) -> list[Replay]:
        """Return the requests of which `condition`, our own text, holds; oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM replays WHERE subscription = ? AND {condition} ORDER BY number",  # noqa: S608
                (self._subscription,),
            ).fetchall()
        return [_replay(*row) for row in rows]

    def advance(self, number: int, step: Mapping[str, Any], *, now: datetime) -> None:
        """Add `step` to a request and to the subscription, also where it was cancelled meanwhile."""
        given = {**step, "number": number, "subscription": self._subscription, "now": to_us(now)}
        with self._database.writing() as connection:
            if not connection.execute(_ADVANCE, given).rowcount:
                return
            connection.execute(
                "UPDATE subscriptions SET redelivered = redelivered + :redelivered,"
                " checkpoint = coalesce(:checkpoint, checkpoint) WHERE id = :subscription",
                given,
            )

    def cancel(self, number: int, *, now: datetime) -> bool:
        """End a request where it is; return whether it was there."""
        with self._database.writing() as connection:
            changed = connection.execute(
                "UPDATE replays SET finished_at = ?, cancelled = 1"
                " WHERE number = ? AND subscription = ? AND finished_at IS NULL",
                (to_us(now), number, self._subscription),
            ).rowcount
        return changed > 0

    def note_seen(self) -> None:
        """Note that somebody saw the finished ones."""
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE replays SET seen = 1 WHERE subscription = ? AND finished_at IS NOT NULL",
                (self._subscription,),
            )

    def _forget(self, connection: Any, now: datetime) -> None:
        connection.execute(
            "DELETE FROM replays WHERE subscription = ? AND finished_at < ? AND (given_up = 0 OR seen)",
            (self._subscription, to_us(now - REPLAYS_KEPT)),
        )


def _replay(
    number: int, first: int, following: int, until: int, names: str, rate_per_s: float, *rest: Any
) -> Replay:
    redelivered, given_up, reason, gone, requested_at, finished_at, cancelled, seen = rest
    return Replay(
        number=number,
        first=first or following,  # 0: asked for by a process of the version before
        next=following,
        until=until,
        names=_NAMES.decode(names),
        rate_per_s=rate_per_s,
        redelivered=redelivered,
        given_up=given_up,
        reason=reason,
        gone=gone,
        requested_at=from_us(requested_at),
        finished_at=None if finished_at is None else from_us(finished_at),
        cancelled=bool(cancelled),
        seen=bool(seen),
    )
