"""A table keeps the contract of a destination."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.destinations.sql.conftest import Emptied
from tests.destinations.sql.databases import Database
from trackside.destinations.base import Destination
from trackside.destinations.sql import Sql, SqlSettings, engine_for
from trackside.testing.destination_contract import DestinationContract


def make_sql(database: Database, **settings: object) -> Sql:
    """Return a destination that writes into the database."""
    given = SqlSettings(**{"url": database.url, "timeout_s": 5.0, **settings})  # type: ignore[arg-type]
    return Sql(given, lambda: engine_for(given, database.folder))


class SqlContract(DestinationContract):
    """A database of one kind."""

    exactly_once = True
    kind = ""

    @pytest.fixture(autouse=True)
    def _database(self, emptied: Emptied, tmp_path: Path) -> None:
        self.database = emptied(self.kind, tmp_path)

    def make_destination(self, folder: Path) -> Destination:
        """Return a destination that writes into the database."""
        return make_sql(self.database)

    def received(self, folder: Path) -> list[str]:
        """Return the ids in the table."""
        return self.database.ids()

    def broken(self, folder: Path) -> AbstractContextManager[None]:
        """Return a context in which the table is not there."""

        @contextmanager
        def renamed() -> Iterator[None]:
            self.database.ask("ALTER TABLE events RENAME TO away")
            yield
            self.database.ask("ALTER TABLE away RENAME TO events")

        return renamed()


class TestSqlite(SqlContract):
    """SQLite."""

    kind = "sqlite"


class TestPostgreSql(SqlContract):
    """PostgreSQL."""

    kind = "postgresql"


class TestMySql(SqlContract):
    """MariaDB."""

    kind = "mysql"
