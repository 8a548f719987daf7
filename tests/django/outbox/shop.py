"""The application of the tests: each item it sells is a row and an event of the same name."""

from collections.abc import Sequence

from django.db import connections

from tests.django.outbox.databases import ALIAS
from trackside import tracker
from trackside.django.outbox.relay import Relay, Step
from trackside.django.outbox.settings import current
from trackside.log.memory import MemoryLog


class Shop:
    """Sells, and knows what was sold and what the log says."""

    def __init__(self, log: MemoryLog) -> None:
        self.log = log

    def sell(self, *names: str) -> None:
        """Write a row for each name and emit its event."""
        for name in names:
            insert(name)
            tracker.emit(name, {"item": name}, on_commit=True)

    def sold(self) -> list[str]:
        """Return the committed rows, or those that this thread's transaction sees; sorted."""
        with connections[ALIAS].cursor() as cursor:
            cursor.execute("SELECT name FROM item ORDER BY name")
            return [name for (name,) in cursor.fetchall()]

    def logged(self) -> list[str]:
        """Return the names of the log's events, in order."""
        flush(self.log)
        return [event.name for event in self.log.read(0, limit=100_000).events]

    def waiting(self) -> int:
        """Return how many rows of the outbox this thread sees."""
        with connections[ALIAS].cursor() as cursor:
            cursor.execute("SELECT COUNT(*) FROM trackside_outbox")
            return int(cursor.fetchone()[0])

    def relay(self) -> Step:
        """Run a relay once, on a connection of its own."""
        own = connections[ALIAS].copy()
        try:
            return Relay(own, current()).drain()
        finally:
            own.close()


def insert(name: str) -> None:
    """Write one row of the application."""
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("INSERT INTO item (name) VALUES (%s)", [name])


def flush(log: MemoryLog) -> None:
    """Wait until the log has what its backend was given."""
    for backend in tracker.get_tracker().backends.values():
        wait: object = getattr(backend, "flush", None)
        if callable(wait):
            assert wait()


INSERT = "INSERT INTO trackside_outbox "


def inserts(queries: Sequence[dict[str, str]]) -> list[str]:
    """Return the INSERTs into the outbox among captured queries."""
    return [query["sql"] for query in queries if INSERT in query["sql"]]
