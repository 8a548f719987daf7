"""MySQL and MariaDB, through mysqlclient, or PyMySQL where that is installed instead."""

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final
from urllib.parse import unquote

from trackside.destinations.event_row import COLUMNS, Row
from trackside.destinations.sql.address import database_of, options, split
from trackside.destinations.sql.names import parts_of, quoted
from trackside.destinations.sql.settings import SqlSettings

_TYPES: Final = {
    "id": "VARCHAR(255) NOT NULL",
    "name": "VARCHAR(512) NOT NULL",
    "type": "VARCHAR(32) NOT NULL",
    "source": "VARCHAR(255) NOT NULL",
    "user_id": "VARCHAR(512)",
    "anonymous_id": "VARCHAR(512)",
    "timestamp": "DATETIME(6) NOT NULL",
    "received_at": "DATETIME(6) NOT NULL",
    "original_timestamp": "TEXT",
    "sent_at": "TEXT",
    "data": "JSON NOT NULL",
    "context": "JSON NOT NULL",
    "extra": "JSON NOT NULL",
}
_MODE: Final = "STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION"
"""What does not fit is an error, not cut off."""
_ROWS_FAULT: Final = frozenset(
    {
        *(1048, 1062, 1264, 1265, 1292, 1366, 1406),  # null, another unique key, range, type, text, length
        *(1153, 1301, 1364, 1411, 1441, 1452, 1644, 1690),  # packet, no default, a foreign key, a trigger
        *(3140, 3141, 3157, 3819, 4025, 4038),  # JSON, CHECK
    }
)
_WITHOUT_TRANSACTIONS: Final = frozenset({"MYISAM", "ARIA", "MEMORY", "CSV", "ARCHIVE", "BLACKHOLE"})


class MySql:
    """A table of a MySQL or MariaDB database."""

    told = "MySQL"

    def __init__(self, settings: SqlSettings) -> None:
        """Raises ConfigurationError."""
        self._driver: Any = import_module("MySQLdb" if find_spec("MySQLdb") else "pymysql")
        self.errors: tuple[type[Exception], ...] = (self._driver.Error, UnicodeError)
        self._parts = parts_of(settings.table)
        self._table = quoted(settings.table, "`")
        self._given = _connecting(settings)
        names = ", ".join(f"`{name}`" for name in COLUMNS)
        places = ", ".join(["%s"] * len(COLUMNS))
        # a row that is there already stays as it is; that of another unique key is no reason to drop this one quietly
        self._insert = (
            f"INSERT INTO {self._table.replace('%', '%%')} ({names}) VALUES ({places})"  # noqa: S608  # quoted
            " ON DUPLICATE KEY UPDATE `id` = IF(`source` = VALUES(`source`) AND `id` = VALUES(`id`), `id`, NULL)"
        )

    def connect(self) -> Any:
        """Return a new connection."""
        connection = self._driver.connect(**self._given)
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION sql_mode = %s, time_zone = '+00:00'", [_MODE])
        return connection

    def columns(self, connection: Any) -> Sequence[str] | None:
        """Return the table's columns."""
        where = self._where("COLUMNS", "COLUMN_NAME")
        return [str(name) for (name,) in self._all(connection, *where)] or None

    def create(self, connection: Any) -> None:
        """Make the table, with a key that tells `a` from `A` and from `a` with a space."""
        ((version,),) = self._all(connection, "SELECT VERSION()")
        collation = "utf8mb4_nopad_bin" if "mariadb" in str(version).lower() else "utf8mb4_0900_bin"
        columns = ", ".join(f"`{name}` {_TYPES[name]}" for name in COLUMNS)
        with connection.cursor() as cursor:
            cursor.execute(
                f"CREATE TABLE IF NOT EXISTS {self._table} ({columns}, PRIMARY KEY (`source`, `id`))"
                f" ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE {collation}"
            )

    def why_unfit(self, connection: Any) -> str | None:
        """Return that the table's engine has no transactions; or None."""
        for (engine,) in self._all(connection, *self._where("TABLES", "ENGINE")):
            if str(engine).upper() in _WITHOUT_TRANSACTIONS:
                return f"is of the engine {engine}, which has no transactions; want InnoDB"
        return None

    def insert(self, connection: Any, rows: Sequence[Row]) -> int:
        """Add the rows that are new."""
        with connection.cursor() as cursor:
            added: int = cursor.executemany(self._insert, [_values(row) for row in rows])
        return added or 0

    def blames_row(self, error: Exception) -> bool:
        """Return whether it is about data: length, range, JSON, a constraint."""
        return isinstance(error, UnicodeError) or (bool(error.args) and error.args[0] in _ROWS_FAULT)

    def _where(self, view: str, column: str) -> tuple[str, list[str]]:
        """Return a query of the database's own description, and its parameters."""
        *schema, table = self._parts
        which = "%s" if schema else "DATABASE()"
        of_it = f"TABLE_SCHEMA = {which} AND TABLE_NAME = %s"
        return f"SELECT {column} FROM information_schema.{view} WHERE {of_it}", [*schema, table]  # noqa: S608  # ours

    @staticmethod
    def _all(connection: Any, statement: str, parameters: Sequence[str] = ()) -> Sequence[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            found: Sequence[tuple[Any, ...]] = cursor.fetchall()
        return found


def _connecting(settings: SqlSettings) -> dict[str, Any]:
    """Return what both drivers' `connect` takes. Raises ConfigurationError."""
    parts, more = split(settings), options(settings)
    timeout_s = int(settings.timeout_s)
    tls = {name.removeprefix("ssl_"): value for name, value in more.items() if name.startswith("ssl_")}
    given = {
        "host": parts.hostname,
        "port": parts.port,
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "unix_socket": more.get("unix_socket"),
        "ssl": tls,
    }
    return {
        "database": database_of(settings),
        "charset": "utf8mb4",
        "connect_timeout": timeout_s,
        "read_timeout": timeout_s,
        "write_timeout": timeout_s,
        **{name: value for name, value in given.items() if value},
    }


def _values(row: Row) -> tuple[Any, ...]:
    return tuple(
        value.replace(tzinfo=None) if name in {"timestamp", "received_at"} else value
        for name in COLUMNS
        for value in (getattr(row, name),)
    )
