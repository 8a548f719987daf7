"""Removes attempts that are too old or too many, in short steps."""

import sqlite3
from datetime import datetime
from typing import Final

from trackside.attempts.sqlite.groups import marks_of, next_id
from trackside.attempts.sqlite.keys import forget_keys, sort_keys
from trackside.config.settings import AttemptSettings
from trackside.sqlite.database import Database
from trackside.sqlite.instants import to_us
from trackside.sqlite.space import give_space_back, used_bytes

GROUPS_PER_STEP: Final = 128


def tidy(database: Database, settings: AttemptSettings, now: datetime) -> int:
    """Remove what is too old or too much, and sort what attempts are found by; return how many were removed."""
    too_old_us = to_us(now) - settings.keep_s * 1_000_000
    removed = 0
    while True:
        with database.writing() as connection:
            count = _remove_some(connection, settings, too_old_us)
        if not count:
            break
        removed += count
    more = True
    while more:
        with database.writing() as connection:
            more = sort_keys(connection, next_id(connection))
    if removed:
        give_space_back(database)
    return removed


def _remove_some(connection: sqlite3.Connection, settings: AttemptSettings, too_old_us: int) -> int:
    excess = used_bytes(connection) - settings.max_bytes
    rows = connection.execute(
        "SELECT first, count, destination, kinds, began_until, length(body) FROM groups ORDER BY first LIMIT ?",
        (GROUPS_PER_STEP,),
    ).fetchall()
    going, freed, count = [], 0, 0
    for row in rows:
        if row[4] >= too_old_us and freed >= excess:
            break
        going.append(row)
        freed += row[5]
        count += row[1]
    if not going:
        return 0
    through = going[-1][0]
    following = next_id(connection)
    connection.execute("DELETE FROM groups WHERE first <= ?", (through,))
    connection.executemany(
        "DELETE FROM marks WHERE kind = ? AND destination = ? AND first = ?",
        [
            (kind, of, first)
            for first, _, destination, kinds, *_ in going
            for kind, of in marks_of(kinds, destination)
        ],
    )
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('next_id', ?)", (following,))
    forget_keys(connection, through + going[-1][1])
    return count
