"""Which engine a URL is for."""

from pathlib import Path
from typing import assert_never

from trackside.destinations.sql.address import kind_of, missing_driver
from trackside.destinations.sql.engine import Engine
from trackside.destinations.sql.settings import SqlSettings
from trackside.errors import ConfigurationError


def engine_for(settings: SqlSettings, data_dir: Path) -> Engine:
    """Return the engine of the settings' URL. Raises ConfigurationError, also where its driver is not installed."""
    if reason := missing_driver(settings):
        raise ConfigurationError(reason)
    kind = kind_of(settings)
    match kind:
        case "postgresql":
            from trackside.destinations.sql.postgresql import PostgreSql  # its driver is an extra

            return PostgreSql(settings)
        case "mysql":
            from trackside.destinations.sql.mysql import MySql

            return MySql(settings)
        case "sqlite":
            from trackside.destinations.sql.sqlite import Sqlite

            return Sqlite(settings, data_dir)
        case _:
            assert_never(kind)
