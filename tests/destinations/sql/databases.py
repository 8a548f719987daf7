"""Databases of the three kinds, each empty and gone afterwards, and what is in their tables."""

import os
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pymysql

KINDS = ("sqlite", "postgresql", "mysql")
ERRORS = (psycopg.Error, pymysql.Error)


def postgresql_url(database: str, host: str | None = None, port: str | int | None = None) -> str:
    """Return the URL of a database of the PostgreSQL that runs here."""
    user = os.environ.get("PGUSER", "postgres")
    password = quote(os.environ.get("PGPASSWORD", ""), safe="")
    host = host or os.environ.get("PGHOST", "127.0.0.1")
    return f"postgresql://{user}:{password}@{host}:{port or os.environ.get('PGPORT', '5432')}/{database}"


def mysql_url(database: str, host: str | None = None, port: str | int | None = None) -> str:
    """Return the URL of a database of the MariaDB that runs here."""
    user = os.environ.get("MYSQL_USER", "root")
    password = quote(os.environ.get("MYSQL_PASSWORD", ""), safe="")
    host = host or os.environ.get("MYSQL_HOST", "127.0.0.1")
    return f"mysql://{user}:{password}@{host}:{port or os.environ.get('MYSQL_PORT', '3306')}/{database}"


class Database:
    """One database, and a way to ask it that is not the destination's."""

    def __init__(self, kind: str, name: str, folder: Path) -> None:
        self.kind = kind
        self.name = name
        self.folder = folder

    @property
    def url(self) -> str:
        """The setting `url`."""
        return self.url_by()

    def url_by(self, host: str | None = None, port: int | None = None) -> str:
        """Return the setting `url` for a way through another host and port."""
        if self.kind == "sqlite":
            return "sqlite:///shop.db"
        return (postgresql_url if self.kind == "postgresql" else mysql_url)(self.name, host, port)

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """Return the rows of a statement, or none where it has none; what it changes is committed."""
        with closing(connected(self.kind, self.name, self.folder)) as connection:
            cursor = connection.cursor()
            cursor.execute(statement)
            rows = [tuple(row) for row in cursor.fetchall()] if cursor.description else []
            connection.commit()
            return rows

    def empty(self) -> None:
        """Remove everything that is in it."""
        if self.kind == "postgresql":
            self.ask(
                "DROP SCHEMA IF EXISTS analytics, public CASCADE; CREATE SCHEMA public;"
                " GRANT USAGE ON SCHEMA public TO PUBLIC"
            )
        elif self.kind == "mysql":
            for (table,) in self.ask("SHOW TABLES"):
                self.ask(f"DROP TABLE `{str(table).replace('`', '``')}`")

    def ids(self, table: str = "events") -> list[str]:
        """Return the ids in the table, in the order of their numbers; none where there is no table."""
        try:
            found = [str(row[0]) for row in self.ask(f"SELECT id FROM {table}")]
        except (*ERRORS, sqlite3.Error):
            return []
        return sorted(found, key=lambda each: int(each.partition("-")[2] or 0))


def connected(kind: str, name: str, folder: Path) -> Any:
    """Return a connection."""
    connect: Callable[[], Any] = {
        "sqlite": lambda: sqlite3.connect(folder / "shop.db"),
        "postgresql": lambda: psycopg.connect(postgresql_url(name)),
        "mysql": lambda: pymysql.connect(
            host=os.environ.get("MYSQL_HOST", "127.0.0.1"),
            port=int(os.environ.get("MYSQL_PORT", "3306")),
            user=os.environ.get("MYSQL_USER", "root"),
            password=os.environ.get("MYSQL_PASSWORD", ""),
            database=name,
        ),
    }[kind]
    return connect()


@contextmanager
def created(kind: str, folder: Path) -> Iterator[Database]:
    """Make a database and drop it afterwards. Raises what the driver does where none runs."""
    name = f"trackside_{uuid.uuid4().hex[:12]}"
    if kind == "sqlite":
        yield Database(kind, name, folder)
        return
    _on_server(kind, f"CREATE DATABASE {name}")
    try:
        yield Database(kind, name, folder)
    finally:
        _on_server(kind, f"DROP DATABASE {name}" + (" WITH (FORCE)" if kind == "postgresql" else ""))


def _on_server(kind: str, statement: str) -> None:
    with closing(connected(kind, "test", Path())) as connection:
        if kind == "postgresql":
            connection.autocommit = True
        connection.cursor().execute(statement)
