"""What did not become an event: the newest are kept for people to look at."""

import sqlite3
from collections.abc import Collection, Sequence

from trackside.event import Reject
from trackside.log.base import StoredReject
from trackside.sqlite.instants import from_us, to_us

BODY_BYTES = 8_192
DETAIL_CHARACTERS = 1_000


def insert_rejects(connection: sqlite3.Connection, rejects: Sequence[Reject], kept: int) -> None:
    """Add the rejects and remove about as many old ones, so that a flood does not grow the file."""
    rows = (
        [
            (to_us(r.received_at), _text(r.source), r.reason, _text(r.detail), bytes(r.body[:BODY_BYTES]))
            for r in rejects[-kept:] or ()
        ]
        if kept
        else []
    )
    connection.executemany(
        "INSERT INTO rejects (received_at, source, reason, detail, body) VALUES (?, ?, ?, ?, ?)", rows
    )
    remove_old_rejects(connection, kept, limit=2 * len(rows))


def _text(value: str) -> str:
    # Half characters may come from outside; SQLite takes none.
    return value[:DETAIL_CHARACTERS].encode("utf-8", "replace").decode()


def remove_old_rejects(connection: sqlite3.Connection, kept: int, *, limit: int) -> int:
    """Remove at most `limit` rejects of those beyond the newest `kept`; return how many."""
    return connection.execute(
        "DELETE FROM rejects WHERE number IN ("
        " SELECT number FROM rejects WHERE number <= (SELECT max(number) FROM rejects) - ?"
        " ORDER BY number LIMIT ?)",
        (kept, limit),
    ).rowcount


def remove_rejects(connection: sqlite3.Connection, numbers: Collection[int]) -> int:
    """Remove these rejects; return how many there were."""
    return connection.executemany(
        "DELETE FROM rejects WHERE number = ?", [(number,) for number in numbers]
    ).rowcount


def read_rejects(connection: sqlite3.Connection, *, limit: int, before: int | None) -> list[StoredReject]:
    """Return rejects with numbers below `before`, newest first."""
    rows = connection.execute(
        "SELECT number, received_at, source, reason, detail, body FROM rejects"
        " WHERE :before IS NULL OR number < :before ORDER BY number DESC LIMIT :limit",
        {"before": before, "limit": limit},
    )
    return [
        StoredReject(
            number,
            Reject(source=source, received_at=from_us(received_at), reason=reason, detail=detail, body=body),
        )
        for number, received_at, source, reason, detail, body in rows
    ]
