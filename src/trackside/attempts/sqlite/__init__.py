"""The store of attempts on SQLite.

store      puts all together: what the hub opens
writer     the thread that brings the journal's content into the database
schema     the tables
groups     how attempts become rows, and rows attempts
keys       how the attempts of one event are found
search     pages
retention  what goes
"""

from trackside.attempts.sqlite.store import FILE, SQLiteAttempts

__all__ = ["FILE", "SQLiteAttempts"]
