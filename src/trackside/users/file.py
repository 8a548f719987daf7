"""The file `users.db`: the accounts of a server that has no database of accounts to ask."""

import os
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from msgspec import Struct

from trackside.errors import StorageError
from trackside.sqlite.database import Database, explain
from trackside.sqlite.schema import Schema, verify_header
from trackside.users import ids
from trackside.users.base import InvalidUserIdError, User, UsersUnavailable, Wanted
from trackside.users.ids import KEYS, IdKind
from trackside.users.rows import BadRow, ImportRefusedError, Row

FILE_NAME = "users.db"
"""What it is called in the data directory."""

USERS = Schema(
    what="table of users",
    application_id=0x54725573,  # "TrUs"
    version=1,
    page_size_bytes=4096,
    tables=(
        "CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID",
        # An id has no declared type: it is kept as it is given, all of them as whole numbers or all as text.
        "CREATE TABLE users (id NOT NULL PRIMARY KEY, username TEXT NOT NULL) WITHOUT ROWID",
        # Not unique: two users that swap their names pass through a state where both have one.
        "CREATE INDEX users_by_name ON users (username)",
    ),
)
LONGEST_NAME = 255
_WAIT_S = 2.0
_PIECE = 500
_UPSERT = """INSERT INTO users (id, username) VALUES (?, ?)
    ON CONFLICT (id) DO UPDATE SET username = excluded.username WHERE username <> excluded.username"""


class Imported(Struct, frozen=True, kw_only=True):
    """What an import did."""

    added: int
    changed: int
    """Users whose name is another now."""
    bad: int
    """Rows that were left out."""
    users: int
    """How many the table has now."""


class Found(Struct, frozen=True, kw_only=True, gc=False):
    """What a look into the table brought."""

    ids: IdKind
    asked: frozenset[Wanted]
    """Who was looked for: ids in the kind that the table has, those left out that it cannot have."""
    users: Sequence[User]


def refuse(bad: BadRow) -> None:
    """Raise ImportRefusedError: one bad row, and nothing is imported."""
    raise ImportRefusedError(f"line {bad.line}: {bad.reason}; nothing was imported")


class UserFile:
    """The table in a file; one that is missing is an empty table, and the first import makes it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def stamp(self) -> tuple[int, int]:
        """Return what is another after each change of the table; a look at the file, not into it."""
        try:
            status = self.path.stat()
        except OSError:
            return (0, 0)
        return (status.st_ino, status.st_mtime_ns)

    def look_up(self, wanted: Collection[Wanted]) -> Found:
        """Return those of `wanted` that are in the table. Raises UsersUnavailable where it cannot be read."""
        with self._reading() as connection:
            kind = _kind(connection)
            asked = frozenset(_keyed(wanted, kind))
            users: list[User] = []
            for by in ("id", "username"):
                values = [each.value for each in asked if each.by == by and _is_storable(each.value)]
                for start in range(0, len(values), _PIECE):
                    users += _select(connection, by, values[start : start + _PIECE])
        return Found(ids=kind, asked=asked, users=users)

    def users(self, *, after: int | str | None, limit: int, name: str = "*") -> list[User]:
        """Return users in order of id, from after an id on, whose names match a glob. Raises UsersUnavailable."""
        where, start = ("id > ? AND", [after]) if after is not None else ("", [])
        statement = f"SELECT id, username FROM users WHERE {where} username GLOB ? ORDER BY id LIMIT ?"  # noqa: S608
        with self._reading() as connection:
            return [User(*row) for row in connection.execute(statement, [*start, name, limit])]

    def count(self, name: str = "*") -> int:
        """Return how many users have names that match a glob. Raises UsersUnavailable."""
        with self._reading() as connection:
            statement = "SELECT count(*) FROM users WHERE username GLOB ?"
            return int(connection.execute(statement, (name,)).fetchone()[0])

    def import_users(
        self,
        rows: Iterable[Row | BadRow],
        *,
        replace: bool = False,
        kind: IdKind | None = None,
        on_bad: Callable[[BadRow], None] = refuse,
    ) -> Imported:
        """Put all `rows` into the table, or none: a user whose id is there gets the name that came last.

        `replace` takes all others out. `kind` is that of the ids, if it is not to be told from the table or else
        the first row. Raises StorageError, and what `on_bad` and the rows raise.
        """
        with self._writing() as connection:
            before = 0 if replace else _count(connection)
            if replace:
                connection.execute("DELETE FROM users")
            elif before and kind not in (None, _kind(connection)):
                raise ImportRefusedError(
                    f"the ids in the table are of kind {_kind(connection)}; replace it whole"
                )
            reading = _Reading(rows, _kind(connection) if before else kind, on_bad)
            changes = connection.total_changes
            connection.executemany(_UPSERT, reading)
            users = _count(connection)
            if replace and not users:
                raise ImportRefusedError("there is no user to replace the table with; nothing was imported")
            connection.execute("INSERT OR REPLACE INTO meta VALUES ('ids', ?)", (reading.kind or "integer",))
            changed = connection.total_changes - changes - 1 - (users - before)
        return Imported(added=users - before, changed=changed, bad=reading.bad, users=users)

    def remove(self, user_ids: Iterable[object]) -> int:
        """Take users out; return how many there were. Raises StorageError and InvalidUserIdError."""
        if not self.path.exists():
            return 0
        with self._writing() as connection:
            key = KEYS[_kind(connection)]
            before = _count(connection)
            keys = ((each,) for each in map(key, user_ids) if _is_storable(each))
            connection.executemany("DELETE FROM users WHERE id = ?", keys)
            return before - _count(connection)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """Give a connection of this thread that sees one moment of the table.

        Not one of `Database`: opening that waits for an import, which may take a minute, and reading need not.
        """
        try:
            with closing(self._opened()) as connection:
                connection.execute("BEGIN")
                yield connection
        except (sqlite3.Error, OSError) as error:
            raise UsersUnavailable(explain(self.path, error)) from error
        except StorageError as error:
            raise UsersUnavailable(str(error)) from error

    def _opened(self) -> sqlite3.Connection:
        if self.path.exists():
            verify_header(self.path, USERS)
            address = f"file:{quote(str(self.path.absolute()))}?mode=rw"
            return sqlite3.connect(address, uri=True, isolation_level=None, timeout=_WAIT_S)
        empty = sqlite3.connect(":memory:", isolation_level=None)
        for statement in USERS.tables:
            empty.execute(statement)
        return empty

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with closing(Database(self.path, USERS, meta={})) as database:
            with database.writing() as connection:
                yield connection
            # Others look at this time, once a second. It is set when they can read what was written, and to the
            # nanosecond; the system's own would be that of the first page written, and of two changes the same.
            now = time.time_ns()
            os.utime(self.path, ns=(now, now))


class _Reading:
    """Yields rows as the table wants them, and tells of those it cannot have."""

    def __init__(
        self, rows: Iterable[Row | BadRow], kind: IdKind | None, on_bad: Callable[[BadRow], None]
    ) -> None:
        self.kind = kind
        self.bad = 0
        self._rows = rows
        self._on_bad = on_bad

    def __iter__(self) -> Iterator[tuple[int | str, str]]:
        for row in self._rows:
            entry = row if isinstance(row, BadRow) else self._entry(row)
            if isinstance(entry, BadRow):
                self._on_bad(entry)
                self.bad += 1
            else:
                yield entry

    def _entry(self, row: Row) -> tuple[int | str, str] | BadRow:
        name = row.username
        if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME or not ids.is_storable(name):
            return BadRow(row.line, f"a username is 1 to {LONGEST_NAME} characters in UTF-8")
        kind = self.kind or _kind_of(row.id)
        try:
            key = KEYS[kind](row.id)
        except InvalidUserIdError as error:
            return BadRow(row.line, str(error))
        if not _is_storable(key):
            return BadRow(row.line, "an id is a number of at most 64 bits, or text in UTF-8")
        self.kind = kind
        return key, name


def _kind_of(user_id: object) -> IdKind:
    try:
        ids.whole_number(user_id)
    except InvalidUserIdError:
        return "text"
    return "integer"


def _keyed(wanted: Iterable[Wanted], kind: IdKind) -> Iterator[Wanted]:
    for each in wanted:
        try:
            yield each if each.by == "username" else Wanted("id", KEYS[kind](each.value))
        except InvalidUserIdError:
            continue  # whoever asks for it is told so, once the kind of the ids is known


def _is_storable(value: int | str) -> bool:
    return ids.LOWEST <= value <= ids.HIGHEST if isinstance(value, int) else ids.is_storable(value)


def _select(connection: sqlite3.Connection, by: str, values: Sequence[int | str]) -> list[User]:
    marks = ",".join("?" * len(values))
    # In order of id: of several users with one name, the newest account is the last, and has it.
    statement = f"SELECT id, username FROM users WHERE {by} IN ({marks}) ORDER BY id"  # noqa: S608
    return [User(*row) for row in connection.execute(statement, values)]


def _kind(connection: sqlite3.Connection) -> IdKind:
    row = connection.execute("SELECT value FROM meta WHERE key = 'ids'").fetchone()
    return "text" if row == ("text",) else "integer"


def _count(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM users").fetchone()[0])
