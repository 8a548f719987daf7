"""What the way from the log to a place costs: `python -m benchmarks.places --events 20000`.

A backlog into each place, beside the limit: the same bytes written, the same rows inserted, the same bodies posted, by
code that does nothing else. The only promise is that each event arrives once.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from msgspec.structs import astuple
from tests.destinations.files.reading import ids_in
from tests.destinations.sql.databases import ERRORS, KINDS, Database, connected, created

from benchmarks.lib import scratch
from benchmarks.lib.batch_recorder import BatchRecorder, recording
from benchmarks.lib.command import conclude
from benchmarks.lib.report import Check, Report, Table, number
from benchmarks.tracking_log import Cost, Stopwatch, fill, wait_until, writing
from trackside.config.settings import LogSettings
from trackside.delivery import DeliveryEngine
from trackside.destinations.base import Destination, DestinationSettings
from trackside.destinations.event_json import json_line
from trackside.destinations.event_row import COLUMNS, to_row
from trackside.destinations.files import Files, FilesSettings
from trackside.destinations.http import Http, HttpSettings
from trackside.destinations.sql import Sql, SqlSettings, engine_for
from trackside.event import Event
from trackside.log.sqlite import SQLiteLog
from trackside.log.subscription import Subscription
from trackside.outbound.base import Answer, Outgoing
from trackside.outbound.client import HttpClient
from trackside.outbound.policy import OPEN

BATCH_EVENTS = 500
ROWS_AT_ONCE = 1_000
LINES_AT_ONCE = 128
FILES: dict[str, FilesSettings] = {
    "JSON Lines": FilesSettings(compression="none"),
    "JSON Lines, zstd": FilesSettings(),
    "Parquet": FilesSettings(format="parquet"),
}


class Found:
    """Rows of the table, and how many events did not arrive exactly once."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, str]] = []
        self.wrong = 0

    def add(self, what: str, cost: Cost, wrong: int = 0) -> None:
        """Note what `what` cost."""
        self.rows.append((what, number(cost.cpu_us), f"{cost.per_s:,.0f}"))
        self.wrong += wrong


def delivered(
    log: SQLiteLog, folder: Path, name: str, place: tuple[Destination, DestinationSettings], events: int
) -> Cost:
    """Return what delivering the whole log to the place took this process, the closing of the place included."""
    subscription = log.subscription(name)
    engine = DeliveryEngine(log, {name: place}, folder / "delivery.lock")
    watch = Stopwatch()
    engine.start()
    wait_until(partial(_has_delivered, subscription, events))
    engine.stop(grace_s=60)
    return watch.cost(events)


def _has_delivered(subscription: Subscription, events: int) -> bool:
    return subscription.state().delivered >= events


def twice_or_never(ids: Sequence[str], events: Sequence[Event]) -> int:
    """Return how many events are not there once."""
    return abs(len(ids) - len(set(ids))) + len({each.id for each in events} ^ set(ids))


def files(found: Found, log: SQLiteLog, folder: Path, events: Sequence[Event]) -> None:
    """Measure each format."""
    lines = b"\n".join([*map(json_line, events[:LINES_AT_ONCE]), b""])
    found.add("limit: writing and syncing such lines", writing(folder / "limit", lines, len(events)))
    for what, settings in FILES.items():
        at = folder / what.replace(", ", "-").replace(" ", "-")
        cost = delivered(log, folder, at.name, (Files(at, settings), settings), len(events))
        found.add(f"files, {what}", cost, twice_or_never(ids_in(at), events))


def tables(found: Found, log: SQLiteLog, folder: Path, events: Sequence[Event]) -> list[str]:
    """Measure each database that runs here; return the names of those that do not."""
    missing = []
    for kind in KINDS:
        with ExitStack() as stack:
            try:
                database = stack.enter_context(created(kind, folder))
            except ERRORS:
                missing.append(kind)
                continue
            settings = SqlSettings(url=database.url)
            place = Sql(settings, partial(engine_for, settings, folder))
            cost = delivered(log, folder, kind, (place, settings), len(events))
            wrong = twice_or_never([str(row[0]) for row in database.ask("SELECT id FROM events")], events)
            for what, limit in _limits(database):
                database.ask("DELETE FROM events")
                found.add(f"limit: {what} of such rows, {kind}", inserting(database, events, limit))
            found.add(f"sql, {kind}", cost, wrong)
    return missing


Limit = Callable[[Any, Sequence[tuple[Any, ...]]], None]


def _limits(database: Database) -> Iterator[tuple[str, Limit]]:
    names = ", ".join(COLUMNS)
    place = "?" if database.kind == "sqlite" else "%s"
    places = ", ".join([place] * len(COLUMNS))

    def executemany(connection: Any, rows: Sequence[tuple[Any, ...]]) -> None:
        connection.cursor().executemany(f"INSERT INTO events ({names}) VALUES ({places})", rows)

    def copy(connection: Any, rows: Sequence[tuple[Any, ...]]) -> None:
        with connection.cursor().copy(f"COPY events ({names}) FROM STDIN") as copying:
            for row in rows:
                copying.write_row(row)

    yield "executemany", executemany
    if database.kind == "postgresql":
        yield "COPY", copy


def inserting(database: Database, events: Sequence[Event], limit: Limit) -> Cost:
    """Return what it costs to insert the rows of these events, which are made before."""
    rows = [tuple(_plain(value, database.kind) for value in astuple(to_row(each))) for each in events]
    connection = connected(database.kind, database.name, database.folder)
    watch = Stopwatch()
    for first in range(0, len(rows), ROWS_AT_ONCE):
        limit(connection, rows[first : first + ROWS_AT_ONCE])
        connection.commit()
    cost = watch.cost(len(rows))
    connection.close()
    return cost


def _plain(value: Any, kind: str) -> Any:
    if not hasattr(value, "isoformat"):
        return value
    return value.replace(tzinfo=None) if kind == "mysql" else value.isoformat()


def batches(found: Found, log: SQLiteLog, folder: Path, events: Sequence[Event]) -> None:
    """Measure batches over HTTP, plain and compressed."""
    with recording() as recorder:
        found.add("limit: posting such bodies, four at a time", asyncio.run(posting(recorder, events)))
    for what, gzip in (("http", False), ("http, gzip", True)):
        with recording() as recorder:
            settings = HttpSettings(url=recorder.url, gzip=gzip, batch_events=BATCH_EVENTS)
            place = Http(settings, partial(HttpClient, policy=OPEN))
            cost = delivered(log, folder, what.replace(", ", "-"), (place, settings), len(events))
            found.add(what, cost, abs(recorder.found()["events"] - len(events)))


async def posting(recorder: BatchRecorder, events: Sequence[Event]) -> Cost:
    """Return what it costs to post the bodies of these events, which are made before."""
    bodies = [
        b"\n".join([*map(json_line, events[first : first + BATCH_EVENTS]), b""])
        for first in range(0, len(events), BATCH_EVENTS)
    ]
    client = HttpClient(policy=OPEN)
    watch = Stopwatch()
    left = iter(bodies)

    async def post() -> None:
        for body in left:
            headers = [("Content-Type", "application/x-ndjson")]
            reply = await client.send(Outgoing(url=recorder.url, body=body, headers=headers))
            if not isinstance(reply, Answer):
                raise SystemExit(f"the recorder did not answer: {reply.detail}")

    await asyncio.gather(*(post() for _ in range(4)))
    cost = watch.cost(len(events))
    await client.close()
    return cost


@contextmanager
def filled(root: Path, events: int) -> Iterator[tuple[SQLiteLog, list[Event]]]:
    """Make a log with so many events, and return them as it has them."""
    (root / "log").mkdir(mode=0o700)
    log = SQLiteLog(root / "log", LogSettings())
    fill(log, events)
    found: list[Event] = []
    while (page := log.read(len(found))).events:
        found += page.events
    yield log, found
    log.close()


def run(*, events: int) -> Report:
    """Measure every place, and return the report."""
    found = Found()
    with scratch.folder() as root, filled(root, events) as (log, made):
        files(found, log, root, made)
        missing = tables(found, log, root, made)
        batches(found, log, root, made)
    line_bytes = sum(len(json_line(each)) for each in made) / len(made)
    notes = [
        f"{events:,} events of {line_bytes:,.0f} bytes as JSON; one backlog into each place, with opening and closing.",
        "CPU is that of the process that delivers; databases and the receiver have others, on the same machine.",
        *(f"{kind}: does not run here." for kind in missing),
    ]
    table = Table("Cost of an event", ("what", "CPU µs/event", "events/s"), found.rows)
    return Report(
        "From the log to other places",
        [table],
        [Check("places: events lost or twice", found.wrong, 0)],
        notes,
    )


if __name__ == "__main__":
    conclude(run, __doc__, events=20_000)
