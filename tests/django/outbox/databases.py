"""Databases of the three kinds, empty but for the outbox's tables and one table of an application."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.db import connections
from django.db.migrations.executor import MigrationExecutor

ALIAS = "shop"
VENDORS = ("sqlite", "postgresql", "mysql")
TABLES = ("item", "trackside_outbox", "trackside_outbox_set_aside")

Settings = dict[str, Any]

POSTGRESQL: Settings = {
    "ENGINE": "django.db.backends.postgresql",
    "HOST": os.environ.get("PGHOST", "127.0.0.1"),
    "PORT": os.environ.get("PGPORT", "5432"),
    "USER": os.environ.get("PGUSER", "postgres"),
    "PASSWORD": os.environ.get("PGPASSWORD", ""),
    "NAME": "test",
}
MARIADB: Settings = {
    "ENGINE": "django.db.backends.mysql",
    "HOST": os.environ.get("MYSQL_HOST", "127.0.0.1"),
    "PORT": os.environ.get("MYSQL_PORT", "3306"),
    "USER": os.environ.get("MYSQL_USER", "root"),
    "PASSWORD": os.environ.get("MYSQL_PASSWORD", ""),
    "NAME": "test",
}


def use_pymysql() -> None:
    """Let Django's MySQL backend use PyMySQL, where mysqlclient is not installed."""
    if find_spec("MySQLdb") is None:
        import_module("pymysql").install_as_MySQLdb()


@contextmanager
def registered(settings: Settings, alias: str = ALIAS) -> Iterator[None]:
    """Let Django know a database by `alias` while the block runs."""
    connections.databases[alias] = complete(settings)
    try:
        yield
    finally:
        connections[alias].close()
        del connections[alias]
        del connections.databases[alias]


def complete(settings: Settings) -> Settings:
    """Return `settings` with all keys that Django wants."""
    defaults = {
        "ATOMIC_REQUESTS": False,
        "AUTOCOMMIT": True,
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": False,
        "OPTIONS": {},
        "TIME_ZONE": None,
        "TEST": {"CHARSET": None, "COLLATION": None, "MIGRATE": True, "MIRROR": None, "NAME": None},
    }
    empty = dict.fromkeys(("NAME", "USER", "PASSWORD", "HOST", "PORT"), "")
    return {**defaults, **empty, **settings}


@contextmanager
def created(vendor: str, folder: Path) -> Iterator[Settings]:
    """Make a database with its tables, and drop it afterwards. Raises what the driver does where none runs."""
    with empty(vendor, folder) as settings:
        make_tables(settings)
        yield settings


@contextmanager
def empty(vendor: str, folder: Path) -> Iterator[Settings]:
    """Make a database without tables, and drop it afterwards. Raises what the driver does where none runs."""
    if vendor == "sqlite":
        yield {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(folder / "shop.db"),
            "OPTIONS": {"transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode=WAL"},
        }
        return
    use_pymysql()
    server = POSTGRESQL if vendor == "postgresql" else MARIADB
    settings = {**server, "NAME": f"trackside_{uuid.uuid4().hex[:12]}"}
    _execute(server, f"CREATE DATABASE {settings['NAME']}")
    try:
        yield settings
    finally:
        force = " WITH (FORCE)" if vendor == "postgresql" else ""
        _execute(server, f"DROP DATABASE {settings['NAME']}{force}")


def make_tables(settings: Settings) -> None:
    """Run our migrations, and make the table of the application."""
    with registered(settings):
        connection = connections[ALIAS]
        executor = MigrationExecutor(connection)
        executor.migrate([("trackside", "0001_outbox")])
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE item (name VARCHAR(100) NOT NULL PRIMARY KEY)")


def empty_tables(alias: str = ALIAS) -> None:
    """Delete all rows of all tables."""
    with connections[alias].cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"DELETE FROM {table}")


def _execute(settings: Settings, statement: str) -> None:
    with registered(settings, "server"), connections["server"].cursor() as cursor:
        cursor.execute(statement)
