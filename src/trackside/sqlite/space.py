"""What of a database file is used, and what of it goes back to the file system."""

import sqlite3
import time
from typing import Final

from trackside.sqlite.database import Database

PAGES_PER_STEP = 256
READERS_TAKE_S: Final = 5.0
"""So long others are waited for that are in the middle of reading."""
SPARE_PAGES = 256
"""Free pages that are kept for what comes next, beside an eighth of the file."""


def used_bytes(connection: sqlite3.Connection) -> int:
    """Return how many bytes of the file hold something."""
    pages, free, page_size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * page_size)


def give_space_back(database: Database) -> None:
    """Return free pages to the file system, all but some for what comes next."""
    while True:
        with database.writing() as connection:
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
            (free,) = connection.execute("PRAGMA freelist_count").fetchone()
            surplus = free - SPARE_PAGES - pages // 8
            if surplus <= 0:
                return
            give_pages_back(connection, min(surplus, PAGES_PER_STEP))


def give_pages_back(connection: sqlite3.Connection, most: int) -> int:
    """Return up to `most` free pages to the file system; return how many there were.

    One a call: Python ends a statement without columns at its first step, whatever number it names.
    """
    for given in range(most):
        if not connection.execute("PRAGMA freelist_count").fetchone()[0]:
            return given
        connection.execute("PRAGMA incremental_vacuum(1)").fetchall()
    return most


def scrub(database: Database) -> bool:
    """Give every free page back, and fold in the write-ahead log: what was deleted is in neither file any more.

    Rows that are deleted are overwritten in their pages as they go (`PRAGMA secure_delete = FAST`). Returns False
    where somebody else reads for so long that the write-ahead log could not be cut.
    """
    while True:
        with database.writing() as connection:
            (free,) = connection.execute("PRAGMA freelist_count").fetchone()
            if not free:
                break
            give_pages_back(connection, min(free, PAGES_PER_STEP))
    until = time.monotonic() + READERS_TAKE_S
    while not database.cut_wal():
        if time.monotonic() >= until:
            return False
        time.sleep(0.01)
    return True
