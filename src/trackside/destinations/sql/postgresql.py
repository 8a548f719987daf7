"""PostgreSQL, through psycopg 3."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import psycopg
from msgspec.structs import asdict
from psycopg.conninfo import conninfo_to_dict

from trackside.destinations.event_row import COLUMNS, Row
from trackside.destinations.sql.names import quoted
from trackside.destinations.sql.settings import SqlSettings
from trackside.errors import ConfigurationError

_TYPES: Final = {
    "timestamp": "timestamptz NOT NULL",
    "received_at": "timestamptz NOT NULL",
    "user_id": "text",
    "anonymous_id": "text",
    "original_timestamp": "text",
    "sent_at": "text",
    "data": "jsonb NOT NULL",
    "context": "jsonb NOT NULL",
    "extra": "jsonb NOT NULL",
}
_ROWS_FAULT: Final = ("22", "23", "44", "54", "P0")
"""Classes of SQLSTATE: data, constraints, a view's check, limits (nesting), what a trigger raises."""
_COLUMN_TYPES: Final = """
    SELECT attname, format_type(atttypid, NULL) FROM pg_attribute
    WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped"""


class PostgreSql:
    """A table of a PostgreSQL database."""

    errors: tuple[type[Exception], ...] = (psycopg.Error, UnicodeError)
    told = "PostgreSQL"

    def __init__(self, settings: SqlSettings) -> None:
        """Raises ConfigurationError."""
        self._table = quoted(settings.table, '"')
        self._timeout_s = settings.timeout_s
        try:
            given = conninfo_to_dict(settings.url)
        except psycopg.ProgrammingError:
            raise ConfigurationError(
                "url cannot be read; want postgresql://user:password@host/database"
            ) from None
        self._conninfo: dict[str, Any] = {
            "application_name": "trackside",
            "connect_timeout": max(2, int(settings.timeout_s)),
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": int(settings.timeout_s * 1_000),
            **given,
        }
        self._insert = ""

    def connect(self) -> Any:
        """Return a new connection."""
        # without prepared statements, which a pooler between may not keep
        connection = psycopg.connect(**self._conninfo, prepare_threshold=None)
        connection.execute(
            "SELECT set_config('statement_timeout', %s, false)", [str(int(self._timeout_s * 1_000))]
        )
        connection.commit()
        return connection

    def columns(self, connection: Any) -> Sequence[str] | None:
        """Return the table's columns, and learn their types."""
        types = dict(connection.execute(_COLUMN_TYPES, [self._table]).fetchall())
        # all rows in one parameter, as JSON: a fifth of what arrays cost the driver. Each value is cast to the column's
        # own type without its length, for a cast to varchar(10) would cut off what an assignment refuses
        names = ", ".join(COLUMNS)
        values = ", ".join(f"given.{name}::{types.get(name, 'text')}" for name in COLUMNS)
        texts = ", ".join(f"{name} text" for name in COLUMNS)
        self._insert = (
            f"INSERT INTO {self._table.replace('%', '%%')} ({names})"  # noqa: S608  # quoted
            f" SELECT {values.replace('%', '%%')} FROM json_to_recordset(%s::json) AS given ({texts})"
            " ON CONFLICT (source, id) DO NOTHING"
        )
        return tuple(types) or None

    def create(self, connection: Any) -> None:
        """Make the table."""
        columns = ", ".join(f"{name} {_TYPES.get(name, 'text NOT NULL')}" for name in COLUMNS)
        connection.execute(f"CREATE TABLE IF NOT EXISTS {self._table} ({columns}, PRIMARY KEY (source, id))")

    def why_unfit(self, connection: Any) -> str | None:  # noqa: ARG002  # every table has transactions
        """Return None."""
        return None

    def insert(self, connection: Any, rows: Sequence[Row]) -> int:
        """Add the rows that are new."""
        given = msgspec.json.encode([asdict(row) for row in rows]).decode()
        added: int = connection.execute(self._insert, [given]).rowcount
        return added

    def blames_row(self, error: Exception) -> bool:
        """Return whether it is about data: NUL in a text, JSON that jsonb does not take, a constraint."""
        if isinstance(error, UnicodeError):
            return True
        state = getattr(error, "sqlstate", None)
        if state is None:  # the driver's own
            return isinstance(error, psycopg.DataError)
        return str(state).startswith(_ROWS_FAULT)
