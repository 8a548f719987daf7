"""Pages of attempts, newest first."""

import sqlite3
from collections.abc import Iterator
from typing import Final

from trackside.attempts.base import Attempt, AttemptPage, Query, StoredAttempt
from trackside.attempts.records import id_bytes, key_of_id, key_of_position
from trackside.attempts.sqlite.groups import GROUP_ATTEMPTS, kind_of, read_group
from trackside.attempts.sqlite.keys import find_ids
from trackside.sqlite.instants import to_us

GROUPS_AT_ONCE: Final = 16
OUT_OF_ORDER_US: Final = 600_000_000
"""So much later may an attempt have begun that has a smaller id: a request takes 300 s at the most, and a stop
waits a little."""
_END: Final = 2**63 - 1


def find_page(connection: sqlite3.Connection, query: Query, before: int | None, limit: int) -> AttemptPage:
    """Return up to `limit` attempts that are asked for, with ids below `before`."""
    found: list[StoredAttempt] = []
    for stored in _candidates(connection, query, _END if before is None else before):
        if query.matches(stored.attempt):
            if len(found) == limit:
                return AttemptPage(found, found[-1].id)
            found.append(stored)
    return AttemptPage(found, None)


def find_one(connection: sqlite3.Connection, id_: int) -> Attempt | None:
    """Return the attempt of this id."""
    for stored in _group_of(connection, id_):
        if stored.id == id_:
            return stored.attempt
    return None


def groups_of_key(connection: sqlite3.Connection, key: bytes) -> set[int]:
    """Return where the groups begin that may hold attempts of this key."""
    rows = (
        connection.execute("SELECT max(first) FROM groups WHERE first <= ?", (id_,)).fetchone()
        for id_ in find_ids(connection, key)
    )
    return {first for (first,) in rows if first is not None}


def _candidates(connection: sqlite3.Connection, query: Query, before: int) -> Iterator[StoredAttempt]:
    destination = 0
    if query.destination is not None:
        row = connection.execute(
            "SELECT id FROM destinations WHERE name = ?", (query.destination,)
        ).fetchone()
        if row is None:
            return
        (destination,) = row
    if query.event_id is not None:
        yield from _of_key(connection, key_of_id(id_bytes(query.event_id)), before)
    elif query.position is not None:
        yield from _of_key(connection, key_of_position(query.position), before)
    else:
        yield from _along_marks(connection, query, destination, before)


def _of_key(connection: sqlite3.Connection, key: bytes, before: int) -> Iterator[StoredAttempt]:
    group: list[StoredAttempt] = []
    for id_ in find_ids(connection, key):
        if id_ >= before:
            continue
        if not any(stored.id == id_ for stored in group):
            group = list(_group_of(connection, id_))
        yield from (stored for stored in group if stored.id == id_)


def _group_of(connection: sqlite3.Connection, id_: int) -> Iterator[StoredAttempt]:
    row = connection.execute(
        "SELECT first, count, name, body FROM groups JOIN destinations ON destinations.id = destination"
        " WHERE first <= ? ORDER BY first DESC LIMIT 1",
        (id_,),
    ).fetchone()
    if row is not None and id_ < row[0] + row[1]:
        yield from read_group(row[0], row[2], row[3])


def _along_marks(
    connection: sqlite3.Connection, query: Query, destination: int, before: int
) -> Iterator[StoredAttempt]:
    since_us = -_END if query.since is None else to_us(query.since)
    until_us = _END if query.until is None else to_us(query.until)
    lowest, below = _bounds(connection, query, before)
    while True:
        rows = connection.execute(
            "SELECT groups.first, name, body FROM ("
            "  SELECT first FROM marks WHERE kind = ? AND destination = ? AND first < ? AND first >= ?"
            "  AND began_until >= ? AND began_from < ? ORDER BY first DESC LIMIT ?"
            ") AS chosen CROSS JOIN groups ON groups.first = chosen.first"
            " JOIN destinations ON destinations.id = groups.destination ORDER BY groups.first DESC",
            (
                kind_of(query.failed, query.status),
                destination,
                below,
                lowest,
                since_us,
                until_us,
                GROUPS_AT_ONCE,
            ),
        ).fetchall()
        for first, name, body in rows:
            yield from (stored for stored in read_group(first, name, body) if stored.id < before)
        if len(rows) < GROUPS_AT_ONCE:
            return
        below = rows[-1][0]


def _bounds(connection: sqlite3.Connection, query: Query, before: int) -> tuple[int, int]:
    """Return between which ids the groups of that time are, so that the others are not walked over.

    Ids go by when attempts ended, so those of a time are not quite in a row: what is nearest to it in time is some
    minutes of attempts away from what is nearest to it by id.
    """
    lowest, below = 0, before
    if query.since is not None:
        (nearest,) = connection.execute(
            "SELECT min(began_until) FROM groups WHERE began_until >= ?", (to_us(query.since),)
        ).fetchone()
        if nearest is None:
            return _END, before
        (lowest,) = connection.execute(
            "SELECT min(first) FROM groups WHERE began_until BETWEEN ? AND ?",
            (nearest, nearest + OUT_OF_ORDER_US),
        ).fetchone()
    if query.until is not None:
        (nearest,) = connection.execute(
            "SELECT max(began_from) FROM groups WHERE began_from < ?", (to_us(query.until),)
        ).fetchone()
        if nearest is None:
            return lowest, 0
        (last,) = connection.execute(
            "SELECT max(first) FROM groups WHERE began_from BETWEEN ? AND ?",
            (nearest - OUT_OF_ORDER_US, nearest),
        ).fetchone()
        below = min(before, last + GROUP_ATTEMPTS)
    return lowest, below
