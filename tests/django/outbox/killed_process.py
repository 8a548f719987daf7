"""Kills a process at every point of its transactions and of its relay, and compares the log with the rows.

    python -m tests.django.outbox.killed_process '{"database": {…}, "folder": "…"}'

For each number, from 1 on, a child goes through the same transactions, with a relay after each commit, and kills
itself with SIGKILL when it comes to the point of that number. Then another child runs a relay and compares. It ends
with the first number that the transactions do not reach; one line of JSON tells how that went.
"""

import importlib
import json
import os
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

import django
from tests.django.outbox.databases import ALIAS, Settings, complete, empty_tables, use_pymysql

OTHERS = {
    "postgresql": "SELECT COUNT(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()",
    "mysql": "SELECT COUNT(*) FROM information_schema.processlist"
    " WHERE db = DATABASE() AND id <> CONNECTION_ID()",
}


class Points:
    """Counts places in the program and ends the process at one of them."""

    def __init__(self, last: int) -> None:
        self.last = last
        self.count = 0

    def here(self) -> None:
        """Count one more point."""
        self.count += 1
        if self.count == self.last:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return `function` with a point before and one after it."""

        def stopping(*args: Any, **named: Any) -> Any:
            self.here()
            result = function(*args, **named)
            self.here()
            return result

        return stopping

    def watch(self) -> None:
        """Make points before and after every statement, every COMMIT and every event that is moved on."""
        from trackside.django.outbox import relay

        relay._send = self.around(relay._send)
        commit = "_commit"
        setattr(BaseDatabaseWrapper, commit, self.around(getattr(BaseDatabaseWrapper, commit)))

        def wrapper(execute: Callable[..., Any], *args: Any) -> Any:
            return self.around(execute)(*args)

        def connected(connection: BaseDatabaseWrapper, **_: object) -> None:
            connection.execute_wrappers.append(wrapper)

        connection_created.connect(connected, weak=False)


def sell(name: str, *, events: int = 1) -> None:
    """Write a row and emit its event."""
    from tests.django.outbox.shop import insert
    from trackside import tracker

    insert(name)
    for _ in range(events):
        tracker.emit(name, {"item": name}, on_commit=True)


def transactions() -> None:
    """Commit, roll back and nest; what is sold has a row and an event."""
    with transaction.atomic(ALIAS):
        sell("a1")
        with transaction.atomic(ALIAS):
            sell("a2")
        try:
            with transaction.atomic(ALIAS):
                sell("a3 never")
                raise KeyError
        except KeyError:
            pass
        sell("a4")
    try:
        with transaction.atomic(ALIAS):
            sell("b1 never")
            with transaction.atomic(ALIAS):
                sell("b2 never")
            raise KeyError
    except KeyError:
        pass
    with transaction.atomic(ALIAS):
        point = transaction.savepoint(ALIAS)
        sell("c1 never")
        transaction.savepoint_rollback(point, ALIAS)
        sell("c2")
    with transaction.atomic(ALIAS, durable=True):
        sell("d1")
        sell("d2")
        sell("d3")


def use_tracker(folder: Path) -> Any:
    from trackside.backends.log import LogBackend
    from trackside.tracker import Tracker, register_tracker

    backend = LogBackend(folder)
    register_tracker(Tracker({"log": backend}))
    return backend


def write_until(last: int, folder: Path) -> None:
    """Go through the transactions, dying at point `last`."""
    use_tracker(folder)
    empty_tables()
    connections[ALIAS].close()
    points = Points(last)
    points.watch()
    transactions()


def relay_and_compare(folder: Path) -> None:
    """Move what is left; raise where the log and the rows differ."""
    from tests.django.outbox.shop import Shop
    from trackside.django.outbox.relay import Relay
    from trackside.django.outbox.settings import current

    backend = use_tracker(folder)
    connection = connections[ALIAS]
    wait_until_alone(connection)
    while Relay(connection, current()).drain().busy:
        time.sleep(0.01)
    rows = Shop(backend.log).sold()
    logged = Counter(event.name for event in backend.log.read(0).events)
    if logged != Counter(rows):
        raise AssertionError(f"rows {rows}, events {dict(logged)}")
    if any("never" in name for name in rows):
        raise AssertionError(f"rows that were rolled back: {rows}")


def wait_until_alone(connection: BaseDatabaseWrapper) -> None:
    """Return once the server has noticed that the killed process is gone; its COMMIT may still be under way."""
    query = OTHERS.get(connection.vendor)
    deadline = time.monotonic() + 20
    while query and time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(query)
            if not cursor.fetchone()[0]:
                return
        time.sleep(0.005)


def in_child(action: Callable[[], None]) -> int:
    """Run `action` in a process of its own; return 0, 1 after an exception, or minus the signal that ended it."""
    pid = os.fork()
    if not pid:
        try:
            action()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def preload() -> None:
    """Import here what else each child would import for itself."""
    for name in ("trackside.log.sqlite", "trackside.backends.log", "tests.django.outbox.shop"):
        importlib.import_module(name)
    assert connections[ALIAS].connection is None


def main(database: Settings, folder: Path) -> dict[str, Any]:
    use_pymysql()
    settings.configure(
        DATABASES={"default": {}, ALIAS: complete(database)},
        INSTALLED_APPS=["trackside.django"],
        TRACKSIDE={"data_dir": str(folder), "outbox": {"database": ALIAS, "relay": "inline"}},
        USE_TZ=True,
    )
    django.setup()
    from trackside.django import outbox

    outbox.install()
    preload()
    failures, number = [], 0
    while True:
        number += 1
        log = folder / str(number)
        ended = in_child(partial(write_until, number, log))
        compared = in_child(partial(relay_and_compare, log))
        if compared or ended not in (0, -signal.SIGKILL):
            failures.append([number, ended, compared])
        if ended != -signal.SIGKILL:
            return {"points": number - 1, "failures": failures}


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    print(json.dumps(main(given["database"], Path(given["folder"]))))
