"""Tables as openedx-webhooks leaves them, made by hand."""

from dataclasses import dataclass
from typing import Any

from django.db import connections

from trackside.openedx.importing.tables import WEBFILTERS, WEBHOOKS

_ROW = "id INTEGER NOT NULL PRIMARY KEY, created VARCHAR(50), event VARCHAR(50), webhook_url VARCHAR(255)"
_SHARED = "enabled BOOLEAN, use_www_form_encoding BOOLEAN"
_SWITCHES = ("disable_filtering", "disable_halt", "halt_on_4xx", "halt_on_5xx", "halt_on_request_exception")
_REDIRECTS = ("redirect_on_4xx", "redirect_on_5xx", "redirect_on_request_exception")


@dataclass(frozen=True)
class OldTables:
    """The tables in one database."""

    alias: str

    def make(self, *, webfilters: bool = True) -> None:
        """Make them, without rows."""
        self.execute(f"CREATE TABLE {WEBHOOKS} ({_ROW}, {_SHARED})")
        if webfilters:
            more = [
                "description TEXT",
                *(f"{each} BOOLEAN" for each in _SWITCHES),
                *(f"{each} VARCHAR(255)" for each in _REDIRECTS),
            ]
            self.execute(f"CREATE TABLE {WEBFILTERS} ({_ROW}, {_SHARED}, {', '.join(more)})")

    def webhook(self, id_: int, event: str, url: str = "https://crm.example.org/in", **more: Any) -> None:
        """Make a webhook."""
        self._insert(WEBHOOKS, id=id_, event=event, webhook_url=url, **more)

    def webfilter(self, id_: int, event: str, url: str = "https://crm.example.org/ask", **more: Any) -> None:
        """Make a webfilter."""
        blank = {**dict.fromkeys(_SWITCHES, False), **dict.fromkeys(_REDIRECTS, ""), "description": ""}
        self._insert(WEBFILTERS, id=id_, event=event, webhook_url=url, **{**blank, **more})

    def enabled(self, table: str) -> dict[int, bool]:
        """Return which rows are enabled there, by key."""
        with connections[self.alias].cursor() as cursor:
            cursor.execute(f"SELECT id, enabled FROM {table}")
            return {row[0]: bool(row[1]) for row in cursor.fetchall()}

    def execute(self, statement: str, values: list[Any] | None = None) -> None:
        """Run a statement."""
        with connections[self.alias].cursor() as cursor:
            cursor.execute(statement, values)

    def _insert(self, table: str, **values: Any) -> None:
        row = {"enabled": True, "use_www_form_encoding": False, **values}
        places = ", ".join(["%s"] * len(row))
        self.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", [*row.values()])
