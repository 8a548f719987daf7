"""The settings of a destination that writes into a table."""

from typing import Annotated

from trackside.config.settings import setting
from trackside.destinations.base import DestinationSettings


class SqlSettings(DestinationSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[destinations.NAME]` with `kind = "sql"`: a table in PostgreSQL, MySQL, MariaDB or SQLite."""

    kind: Annotated[str, setting("sql: rows of a table in a database.")] = "sql"
    url: Annotated[
        str,
        setting(
            "The database: postgresql://user:password@host/database, mysql://…, or sqlite:///events.db (relative to"
            " data_dir).",
            secret=True,
        ),
    ]
    table: Annotated[
        str, setting("The table, as events or analytics.events; it is made where there is none.")
    ] = "events"
    batch_events: Annotated[int, setting("Most events in one transaction.", low=1, high=10_000)] = 1_000
    timeout_s: Annotated[
        float,
        setting("Longest time of a connection's making, and of one statement.", unit="s", low=1, high=3_600),
    ] = 30.0
