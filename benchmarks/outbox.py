"""What an event of a transaction costs: python -m benchmarks.outbox [--rounds 5] [--transactions 200].

Each transaction of an application creates one row through the ORM and commits. Beside it the same with an ordinary
emit into the log, and with 1, 10 and 100 events that go out if it commits; the ways take turns.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import Error, connections, models, transaction
from django.test.utils import CaptureQueriesContext
from tests.django.outbox.databases import ALIAS, VENDORS, created, empty_tables, registered

import django
from benchmarks.lib import machine
from benchmarks.lib.command import conclude
from benchmarks.lib.report import Check, Report, Table, number

DATA = {
    "course_id": "course-v1:edX+DemoX+2026",
    "user_id": 7,
    "mode": "verified",
    "answers": {f"problem_{number_}": "choice_2" for number_ in range(20)},
}
SHAPES = (1, 10, 100)
NESTED = 10
RELAYED = 2_000


def set_up(folder: Path) -> None:
    """Start a Django project whose tracker writes into a log in `folder`."""
    settings.configure(
        INSTALLED_APPS=["trackside.django"],
        TRACKSIDE={"data_dir": str(folder / "log"), "outbox": {"database": ALIAS, "relay": "command"}},
        DATABASES={"default": {}, ALIAS: {}},
        USE_TZ=True,
    )
    django.setup()


def make_model() -> type[models.Model]:
    """Return the application's model, over the table that the databases have."""

    class Item(models.Model):
        name = models.CharField(max_length=100, primary_key=True)

        class Meta:
            app_label = "trackside"
            db_table = "item"
            managed = False

    return Item


class Ways:
    """Transactions that differ in what they emit."""

    def __init__(self, item: type[models.Model]) -> None:
        self._item = item
        self._number = 0

    def create(self) -> None:
        self._number += 1
        self._item._default_manager.using(ALIAS).create(name=f"item {self._number}")

    def transaction(self, events: int = 0, *, plain: bool = False) -> None:
        from trackside.tracker import emit

        with transaction.atomic(ALIAS):
            self.create()
            for _ in range(events):
                emit("edx.course.enrollment.activated", DATA, on_commit=not plain)

    def nested(self, events: int) -> None:
        from trackside.tracker import emit

        with transaction.atomic(ALIAS):
            for _ in range(events):
                with transaction.atomic(ALIAS):
                    self.create()
                    emit("edx.course.enrollment.activated", DATA, on_commit=True)

    def all(self) -> Mapping[str, tuple[int, Callable[[], None]]]:
        """Return name → events a transaction, and the transaction."""
        return {
            "one row": (0, self.transaction),
            "and 1 ordinary emit": (1, lambda: self.transaction(1, plain=True)),
            **{f"and {n} on commit": (n, lambda n=n: self.transaction(n)) for n in SHAPES},  # type: ignore[misc]
            f"{NESTED} nested blocks, 1 row and 1 on commit in each": (NESTED, lambda: self.nested(NESTED)),
        }


@dataclass(frozen=True)
class Cost:
    """What one kind of transaction cost."""

    us: float
    """Median time of one."""
    cpu_us: float
    """CPU of the application's thread for one, the database's not included."""
    inserts: int
    """INSERTs into the outbox in one."""


def measure(ways: Ways, rounds: int, transactions: int) -> dict[str, Cost]:
    """Return what each way costs; in each round they take turns."""
    times: dict[str, list[float]] = {name: [] for name in ways.all()}
    cpu = dict.fromkeys(times, 0.0)
    inserts = {name: count_inserts(run) for name, (_, run) in ways.all().items()}
    for _ in range(rounds):
        for name, (events, run) in ways.all().items():
            cpu_began = time.thread_time()
            for _ in range(max(10, transactions // max(1, events // 4))):
                began = time.perf_counter()
                run()
                times[name].append(time.perf_counter() - began)
            cpu[name] += time.thread_time() - cpu_began
        empty_tables()
    return {
        name: Cost(statistics.median(each) * 1e6, cpu[name] / len(each) * 1e6, inserts[name])
        for name, each in times.items()
    }


def count_inserts(run: Callable[[], None]) -> int:
    """Return how many INSERTs into the outbox one transaction makes."""
    with CaptureQueriesContext(connections[ALIAS]) as queries:
        run()
    return sum("INSERT INTO trackside_outbox " in query["sql"] for query in queries.captured_queries)


def relay_rate(ways: Ways) -> float:
    """Return how many events a second one relay moves into the log, durably."""
    from trackside.django.outbox.relay import Relay
    from trackside.django.outbox.settings import current

    for _ in range(RELAYED // 100):
        ways.transaction(100)
    own = connections[ALIAS].copy()
    began = time.perf_counter()
    moved = Relay(own, current()).drain().moved
    rate = moved / (time.perf_counter() - began)
    own.close()
    return rate


def rows_of(vendor: str, found: dict[str, Cost], ways: Ways, relayed: float) -> Iterator[list[str]]:
    """Yield the lines of one database."""
    base = found["one row"]
    for name, (events, _) in ways.all().items():
        cost = found[name]
        more = ""
        if events and not name.startswith(str(NESTED)):
            more = number((cost.cpu_us - base.cpu_us) / events)
        each = number(cost.inserts / events) if events else ""
        yield [f"{vendor}: {name}", number(cost.us), number(cost.cpu_us), more, str(cost.inserts), each]
    yield [f"{vendor}: events/s that the relay moves", number(relayed), "", "", "", ""]


@contextmanager
def databases(folder: Path) -> Iterator[dict[str, dict[str, Any]]]:
    """Lend a database of each kind that runs here."""
    with ExitStack() as stack:
        found = {}
        for vendor in VENDORS:
            try:
                found[vendor] = stack.enter_context(created(vendor, folder))
            except (Error, ImportError) as error:
                print(f"without {vendor}: {error}", file=sys.stderr)
        yield found


def run(rounds: int, transactions: int) -> Report:
    """Return what was found on every database there is."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        set_up(folder)
        ways = Ways(make_model())
        lines: list[list[str]] = []
        per_event: list[float] = []
        with databases(folder) as found:
            for vendor, database in found.items():
                with registered(database):
                    measured = measure(ways, rounds, transactions)
                    lines += rows_of(vendor, measured, ways, relay_rate(ways))
                per_event += [measured[each].inserts / n for each, (n, _) in ways.all().items() if n]
    table = Table(
        "A transaction of an application",
        ("", "µs, p50", "CPU µs", "CPU µs an event", "INSERTs", "INSERTs an event"),
        lines,
    )
    checks = [Check("most INSERTs of the outbox for one event", max(per_event), 1)]
    notes = [
        f"{rounds} rounds of {transactions} transactions, fewer where they have many events.",
        *machine.describe(),
    ]
    return Report("The outbox", [table], checks, notes)


if __name__ == "__main__":
    conclude(run, __doc__, rounds=5, transactions=200)
