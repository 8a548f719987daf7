"""The tables of openedx-webhooks, read as they are: columns that a version lacks have what its rows would have.

Source: the migrations of openedx-webhooks 18.0.1, 21.0.1 and 22.0.0, run in November 2026.
"""

from collections.abc import Collection, Iterable
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from django.db import connections
from msgspec import Struct

from trackside.errors import TracksideError

WEBHOOKS: Final = "openedx_webhooks_webhook"
WEBFILTERS: Final = "openedx_webhooks_webfilter"
_BEGINS_WITH_FORMS: Final = 21
"""The first release in which "Use WWW form encoding" does what it says."""


class NoOldTables(TracksideError):  # noqa: N818  # named as what the caller is told
    """There is nothing to import from."""


class OldRow(Struct, frozen=True, kw_only=True):
    """A row of either table."""

    id: int
    event: str
    webhook_url: str
    description: str = ""
    enabled: bool = True
    use_www_form_encoding: bool = False
    disable_filtering: bool = False
    disable_halt: bool = False
    halt_on_4xx: bool = False
    redirect_on_4xx: str = ""
    halt_on_5xx: bool = False
    redirect_on_5xx: str = ""
    halt_on_request_exception: bool = False
    redirect_on_request_exception: str = ""

    @property
    def address(self) -> dict[str, str]:
        """Where it goes, as settings have it: what stands before an @ in the URL was sent as Basic credentials."""
        try:
            parts = urlsplit(self.webhook_url)
        except ValueError:
            return {"url": self.webhook_url}
        said, at, host = parts.netloc.rpartition("@")
        if not at:
            return {"url": self.webhook_url}
        username, _, password = said.partition(":")
        return {
            "url": parts._replace(netloc=host).geturl(),
            "basic_username": unquote(username),
            "basic_password": unquote(password),
        }


_COLUMNS: Final = OldRow.__struct_fields__
_TEXTS: Final = frozenset(name for name, kind in OldRow.__annotations__.items() if kind is str)


class OldTables:
    """The tables of one database."""

    def __init__(self, alias: str) -> None:
        """Raises NoOldTables."""
        if alias not in connections.databases:
            known = ", ".join(sorted(connections.databases))
            raise NoOldTables(f"DATABASES has no {alias!r}; --database takes one of: {known}")
        self.alias = alias
        self._connection = connections[alias]
        with self._connection.cursor() as cursor:
            tables = set(self._connection.introspection.table_names(cursor))
        self._present = [table for table in (WEBHOOKS, WEBFILTERS) if table in tables]
        if not self._present:
            raise NoOldTables(
                f"the database {alias!r} has no table {WEBHOOKS} and no {WEBFILTERS}; run this in the platform that has"
                " openedx-webhooks' tables (./manage.py lms trackside …), or name its database with --database"
            )

    def rows(self, table: str) -> list[OldRow]:
        """Return the rows of a table in the order of their keys."""
        if table not in self._present:
            return []
        with self._connection.cursor() as cursor:
            described = self._connection.introspection.get_table_description(cursor, table)
            columns = [column.name for column in described if column.name in _COLUMNS]
            listed = ", ".join(map(self._quoted, columns))
            cursor.execute(f"SELECT {listed} FROM {self._quoted(table)} ORDER BY {self._quoted('id')}")  # noqa: S608
            return [_row(dict(zip(columns, values, strict=True))) for values in cursor.fetchall()]

    def fires(self, table: str, row: OldRow, name: str) -> bool:
        """Return whether a handler that looks rows up by `name` finds this one: some databases ignore case."""
        with self._connection.cursor() as cursor:
            cursor.execute(
                f"SELECT COUNT(*) FROM {self._quoted(table)}"  # noqa: S608
                f" WHERE {self._quoted('id')} = %s AND {self._quoted('event')} = %s",
                [row.id, name],
            )
            return bool(cursor.fetchone()[0])

    def disable(self, table: str, ids: Collection[int]) -> int:
        """Take `enabled` from these rows; return how many had it."""
        changed = 0
        with self._connection.cursor() as cursor:
            for each in ids:
                cursor.execute(
                    f"UPDATE {self._quoted(table)} SET {self._quoted('enabled')} = %s"  # noqa: S608
                    f" WHERE {self._quoted('id')} = %s AND {self._quoted('enabled')} = %s",
                    [False, each, True],
                )
                changed += cursor.rowcount
        return changed

    def _quoted(self, name: str) -> str:
        return str(self._connection.ops.quote_name(name))


def sends_forms() -> bool | None:
    """Return whether the installed openedx-webhooks sends forms at all; None where none is installed."""
    try:
        return int(version("openedx-webhooks").partition(".")[0]) >= _BEGINS_WITH_FORMS
    except (PackageNotFoundError, ValueError):
        return None


def missing_columns(alias: str, table: str, columns: Iterable[str]) -> list[str]:
    """Return which of the columns a table lacks; all of them where there is no such table."""
    connection = connections[alias]
    with connection.cursor() as cursor:
        if table not in connection.introspection.table_names(cursor):
            return sorted(columns)
        there = {column.name for column in connection.introspection.get_table_description(cursor, table)}
    return sorted(set(columns) - there)


def _row(values: dict[str, Any]) -> OldRow:
    given = {name: value for name, value in values.items() if value is not None}
    # truths are numbers in SQLite, MariaDB and MySQL
    plain: dict[str, Any] = {
        name: value if name == "id" else str(value) if name in _TEXTS else bool(value)
        for name, value in given.items()
    }
    # without an event or a URL a row cannot be imported, which is said of that one
    return OldRow(**{"event": "", "webhook_url": "", **plain})
