"""SQLite, through the standard library."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from trackside.destinations.event_row import COLUMNS, Row
from trackside.destinations.sql.address import sqlite_path
from trackside.destinations.sql.names import quoted
from trackside.destinations.sql.settings import SqlSettings

_MAY_BE_NULL: Final = frozenset({"user_id", "anonymous_id", "original_timestamp", "sent_at"})


class Sqlite:
    """A table of an SQLite file."""

    errors: tuple[type[Exception], ...] = (sqlite3.Error, UnicodeError)
    told = "SQLite"

    def __init__(self, settings: SqlSettings, data_dir: Path) -> None:
        """Raises ConfigurationError."""
        self._path = sqlite_path(settings, data_dir)
        self._table = quoted(settings.table, '"')
        self._timeout_s = settings.timeout_s
        names = ", ".join(COLUMNS)
        self._insert = (
            f"INSERT INTO {self._table} ({names}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608  # quoted
            " ON CONFLICT (source, id) DO NOTHING"
        )

    def connect(self) -> Any:
        """Return a new connection."""
        connection = sqlite3.connect(self._path, timeout=self._timeout_s)
        connection.execute("PRAGMA synchronous = FULL")
        return connection

    def columns(self, connection: Any) -> Sequence[str] | None:
        """Return the table's columns."""
        cursor = connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1")  # is it a database at all
        cursor.fetchall()
        schema, _, table = self._table.rpartition(".")
        of_schema = f"{schema}." if schema else ""
        found = connection.execute(f"PRAGMA {of_schema}table_info({table})").fetchall()
        return [str(column[1]) for column in found] or None

    def create(self, connection: Any) -> None:
        """Make the table."""
        columns = ", ".join(
            f"{name} TEXT" if name in _MAY_BE_NULL else f"{name} TEXT NOT NULL" for name in COLUMNS
        )
        connection.execute(f"CREATE TABLE IF NOT EXISTS {self._table} ({columns}, PRIMARY KEY (source, id))")

    def why_unfit(self, connection: Any) -> str | None:  # noqa: ARG002  # every table has transactions
        """Return None."""
        return None

    def insert(self, connection: Any, rows: Sequence[Row]) -> int:
        """Add the rows that are new."""
        added: int = connection.executemany(self._insert, [_values(row) for row in rows]).rowcount
        return added

    def blames_row(self, error: Exception) -> bool:
        """Return whether it is about data: a constraint, a size."""
        return isinstance(error, UnicodeError | sqlite3.IntegrityError | sqlite3.DataError)


def _values(row: Row) -> tuple[str | None, ...]:
    return tuple(
        # always with microseconds, so that texts are in the order of times
        value.isoformat(timespec="microseconds") if name in {"timestamp", "received_at"} else value
        for name in COLUMNS
        for value in (getattr(row, name),)
    )
