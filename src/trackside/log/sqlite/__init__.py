"""The embedded log: two SQLite databases in one directory, shared by all processes that open it."""

from trackside.log.sqlite.log import SQLiteLog

__all__ = ["SQLiteLog"]
