"""How the attempts of one event are found among millions, for a few bytes and half a microsecond each.

Each attempt has two keys: its event's id, hashed, and its position. They are kept as they come, a short row for each
group, and later 65,536 attempts at a time sorted into 256 rows by their first byte: to find an event is to look into
one row for each 65,536 attempts, and into the short ones. A row for each attempt in an index would cost ten times as
much, most of it for pages all over the index that one group touches.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Final

from trackside.attempts.records import KEY_BYTES, Begun, key_of_id, key_of_position

SPAN: Final = 65_536
_ROW_BYTES: Final = 2 * KEY_BYTES
_NUMBER_BYTES: Final = 2
_ENTRY_BYTES: Final = KEY_BYTES - 1 + _NUMBER_BYTES


def add_keys(connection: sqlite3.Connection, first: int, begins: Sequence[Begun]) -> None:
    """Keep the keys of attempts with ids from `first` on, given by how they began."""
    keys = b"".join([key_of_id(each.event_id) + key_of_position(each.position) for each in begins])
    connection.execute("INSERT INTO recent_keys VALUES (?, ?, ?)", (first, len(begins), keys))


def find_ids(connection: sqlite3.Connection, key: bytes) -> list[int]:
    """Return the ids of attempts that have this key, newest first; a few may have one that only looks like it."""
    found: list[int] = []
    for first, keys in connection.execute(
        "SELECT first, keys FROM recent_keys WHERE instr(keys, ?) ORDER BY first DESC", (key,)
    ):
        found += sorted({first + at // _ROW_BYTES for at in _aligned(keys, key, KEY_BYTES)}, reverse=True)
    (newest,) = connection.execute("SELECT coalesce(max(place), -1) FROM sorted_keys").fetchone()
    (oldest,) = connection.execute("SELECT coalesce(min(place), 0) FROM sorted_keys").fetchone()
    for span in range(newest >> 8, (oldest >> 8) - 1, -1):
        row = connection.execute(
            "SELECT entries FROM sorted_keys WHERE place = ?", (span << 8 | key[0],)
        ).fetchone()
        if row is not None:
            numbers = {_number(row[0], at) for at in _aligned(row[0], key[1:], _ENTRY_BYTES)}
            found += sorted((span * SPAN + number for number in numbers), reverse=True)
    return found


def sort_keys(connection: sqlite3.Connection, next_id: int) -> bool:
    """Sort the keys of 65,536 attempts that have them all; return whether there were some."""
    row = connection.execute("SELECT min(first) FROM recent_keys").fetchone()
    if row[0] is None or (span := row[0] // SPAN) >= next_id // SPAN:
        return False
    end = (span + 1) * SPAN
    parts: list[list[bytes]] = [[] for _ in range(256)]
    rest: list[tuple[int, int, bytes]] = []
    for first, count, keys in connection.execute(
        "SELECT first, count, keys FROM recent_keys WHERE first < ?", (end,)
    ):
        mine = min(count, end - first)
        for index in range(mine):
            number = ((first + index) % SPAN).to_bytes(_NUMBER_BYTES, "little")
            at = index * _ROW_BYTES
            parts[keys[at]].append(keys[at + 1 : at + KEY_BYTES] + number)
            parts[keys[at + KEY_BYTES]].append(keys[at + KEY_BYTES + 1 : at + _ROW_BYTES] + number)
        if mine < count:
            rest.append((end, count - mine, keys[mine * _ROW_BYTES :]))
    connection.execute("DELETE FROM recent_keys WHERE first < ?", (end,))
    connection.executemany("INSERT INTO recent_keys VALUES (?, ?, ?)", rest)
    connection.executemany(
        "INSERT INTO sorted_keys VALUES (?, ?)",
        [(span << 8 | prefix, b"".join(part)) for prefix, part in enumerate(parts) if part],
    )
    return True


def forget_keys(connection: sqlite3.Connection, before: int) -> None:
    """Remove keys of attempts with ids below `before`, as far as they stand in rows of their own."""
    connection.execute("DELETE FROM recent_keys WHERE first + count <= ? AND first < ?", (before, before))
    connection.execute("DELETE FROM sorted_keys WHERE place < ?", (before // SPAN << 8,))


def _aligned(row: bytes, key: bytes, step: int) -> Iterator[int]:
    at = row.find(key)
    while at >= 0:
        if at % step == 0:
            yield at
        at = row.find(key, at + 1)


def _number(entries: bytes, at: int) -> int:
    return int.from_bytes(entries[at + KEY_BYTES - 1 : at + _ENTRY_BYTES], "little")
