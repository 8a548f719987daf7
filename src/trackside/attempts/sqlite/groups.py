"""How attempts become rows, a group of one destination each, and how they are read back."""

import sqlite3
import struct
import threading
from collections.abc import Collection, Iterator, Sequence
from typing import Final

import msgspec
import zstandard

from trackside.attempts.base import STATUS_CLASSES, StatusClass, StoredAttempt, status_class
from trackside.attempts.records import (
    Begun,
    attempt_of,
    begun,
    ends_of,
    join_pairs,
    split_pairs,
    without_bodies,
)
from trackside.attempts.sqlite.keys import add_keys
from trackside.errors import StorageError

GROUP_ATTEMPTS: Final = 64
GROUP_BYTES: Final = 262_144
SMALL_BYTES: Final = 512
"""A body up to this size is kept as it is: compressed, it would not be smaller."""
ANY, FAILED, FIRST_CLASS = 0, 1, 2
"""Kinds: every attempt, those that did not deliver, then those of each class of status."""
_PLAIN, _ZSTD = b"\0", b"\1"

_compressor = zstandard.ZstdCompressor(level=1)
_local = threading.local()
Pair = tuple[bytes, bytes]
Member = tuple[Begun, Pair]


def kind_of(failed: bool, status: StatusClass | None) -> int:
    """Return along which kind of marks such attempts are looked for."""
    if status is not None:
        return FIRST_CLASS + STATUS_CLASSES.index(status)
    return FAILED if failed else ANY


def keep(connection: sqlite3.Connection, pairs: Sequence[Pair]) -> None:
    """Insert attempts, each as the records of its beginning and its end, in their order."""
    by_destination: dict[bytes, list[Member]] = {}
    for pair in pairs:
        front = begun(pair[0])
        by_destination.setdefault(front.destination, []).append((front, pair))
    first = next_id(connection)
    for name, members in by_destination.items():
        destination = _destination(connection, name.decode())
        for group in _cut(members):
            _insert(connection, first, destination, group)
            first += len(group)


def next_id(connection: sqlite3.Connection) -> int:
    """Return the id that the next attempt gets."""
    row = connection.execute("SELECT first + count FROM groups ORDER BY first DESC LIMIT 1").fetchone()
    if row is None:
        row = connection.execute("SELECT value FROM meta WHERE key = 'next_id'").fetchone()
    return int(row[0]) if row else 1


def read_group(first: int, destination: str, body: bytes) -> Iterator[StoredAttempt]:
    """Return the attempts of a group, newest first. Raises StorageError where it is damaged."""
    try:
        found = [attempt_of(*pair) for pair in _pairs(body)]
    except (zstandard.ZstdError, msgspec.MsgspecError, ValueError, struct.error) as error:
        raise StorageError(
            f"the attempts of {destination} from {first} on are damaged on disk ({error}); move attempts.db away"
        ) from error
    for index in range(len(found) - 1, -1, -1):
        yield StoredAttempt(first + index, found[index])


def without_bodies_of(body: bytes, event_ids: Collection[bytes]) -> tuple[bytes, int]:
    """Return a group in which attempts of these events have no bodies, and how many had one."""
    pairs = list(_pairs(body))
    count = 0
    for at, pair in enumerate(pairs):
        if begun(pair[0]).event_id in event_ids:
            emptied = without_bodies(*pair)
            count += emptied != pair
            pairs[at] = emptied
    return (_packed(pairs), count) if count else (body, 0)


def marks_of(kinds: int, destination: int) -> list[tuple[int, int]]:
    """Return the kinds and destinations that a group of these kinds is marked with."""
    found = [kind for kind in range(FIRST_CLASS + len(STATUS_CLASSES)) if kinds >> kind & 1]
    return [(kind, of) for kind in found for of in (0, destination)]


def _cut(members: list[Member]) -> Iterator[list[Member]]:
    group: list[Member] = []
    size = 0
    for member in members:
        length = len(member[1][0]) + len(member[1][1])
        if group and (len(group) >= GROUP_ATTEMPTS or size + length > GROUP_BYTES):
            yield group
            group, size = [], 0
        group.append(member)
        size += length
    yield group


def _insert(
    connection: sqlite3.Connection,
    first: int,
    destination: int,
    group: list[Member],
) -> None:
    pairs = [pair for _, pair in group]
    moments = [front.began_us for front, _ in group]
    began_from, began_until = min(moments), max(moments)
    kinds = _kinds(pairs)
    connection.execute(
        "INSERT INTO groups VALUES (?, ?, ?, ?, ?, ?, ?)",
        (first, len(group), destination, began_from, began_until, kinds, _packed(pairs)),
    )
    connection.executemany(
        "INSERT INTO marks VALUES (?, ?, ?, ?, ?)",
        [(kind, of, first, began_from, began_until) for kind, of in marks_of(kinds, destination)],
    )
    add_keys(connection, first, [front for front, _ in group])


def _packed(pairs: Sequence[Pair]) -> bytes:
    raw = join_pairs(pairs)
    return _PLAIN + raw if len(raw) <= SMALL_BYTES else _ZSTD + _compressor.compress(raw)


def _pairs(body: bytes) -> Iterator[Pair]:
    return split_pairs(body[1:] if body[:1] == _PLAIN else _decompressor().decompress(body[1:]))


def _kinds(pairs: list[Pair]) -> int:
    kinds = 1 << ANY
    for outcome, status in ends_of(end for _, end in pairs):
        kinds |= 1 << kind_of(False, status_class(status or None))
        if outcome != "delivered":
            kinds |= 1 << FAILED
    return kinds


def _destination(connection: sqlite3.Connection, name: str) -> int:
    found = connection.execute("SELECT id FROM destinations WHERE name = ?", (name,)).fetchone()
    if found is None:
        found = connection.execute(
            "INSERT INTO destinations (name) VALUES (?) RETURNING id", (name,)
        ).fetchone()
    return int(found[0])


def _decompressor() -> zstandard.ZstdDecompressor:
    found: zstandard.ZstdDecompressor | None = getattr(_local, "decompressor", None)
    if found is None:
        found = _local.decompressor = zstandard.ZstdDecompressor()
    return found
