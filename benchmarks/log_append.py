"""What the log alone costs: appending 1, 50 and 500 events a request, reading back, after a long history.

    python -m benchmarks.log_append [--events 100000] [--millions 1]

Events are about 1.3 KB of JSON, all different. So many requests are in flight; a reply is the commit's end.
CPU is user plus system time of the whole process, the thread that folds the write-ahead log back included.
"""

import json
import random
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from msgspec import Raw

from benchmarks.lib import scratch
from benchmarks.lib.command import conclude
from benchmarks.lib.events import compact, generate
from benchmarks.lib.report import Check, Report, Table, number
from trackside.config.settings import LogSettings
from trackside.event import Batch, Event
from trackside.log.base import Committed, Receipt
from trackside.log.sqlite import SQLiteLog

SHAPES = ((1, 64), (50, 1), (50, 64), (500, 1), (500, 8))
"""Events in a request, requests in flight."""
FILL_EVENTS = 1_000
POOL_EVENTS = 10_000

ids = random.Random()


@dataclass(frozen=True)
class Run:
    """What appending cost."""

    events: int
    elapsed_s: float
    cpu_s: float
    latencies_s: Sequence[float]

    @property
    def cpu_us(self) -> float:
        return self.cpu_s / self.events * 1e6

    def latency_ms(self, share: float) -> float:
        return sorted(self.latencies_s)[int(share * (len(self.latencies_s) - 1))] * 1e3


def pool() -> tuple[list[Event], float]:
    """Return different events, and the mean length of their JSON as it came from the client."""
    now = datetime.now(UTC)
    calls = generate(POOL_EVENTS, seed=7, now=now)
    events = [
        Event(
            id="",
            name=call["event"],
            type="track",
            source="web",
            timestamp=datetime.fromisoformat(call["timestamp"]),
            received_at=now,
            data=Raw(compact(call["properties"]).encode()),
            context=Raw(compact(call["context"]).encode()),
            user_id=call["userId"],
            anonymous_id=call["anonymousId"],
            original_timestamp=call["timestamp"],
            sent_at=call["sentAt"],
            skew_ms=12,
            extra=Raw(json.dumps({"integrations": {}}).encode()),
        )
        for call in calls
    ]
    return events, sum(len(compact(call)) + 35 for call in calls) / len(calls)


def batches(events: Sequence[Event], count: int, size: int) -> list[Batch]:
    """Return batches of `size` events, `count` events in all, each under an id of its own."""
    return [
        Batch(
            events=[_fresh(events[(start + i) % len(events)]) for i in range(size)], size_bytes=size * 1_300
        )
        for start in range(0, count, size)
    ]


def _fresh(event: Event) -> Event:
    return Event(
        **{name: getattr(event, name) for name in Event.__struct_fields__ if name != "id"},
        id=str(UUID(int=ids.getrandbits(128), version=4)),
    )


class Client:
    """Keeps so many requests in flight: each reply sends the next."""

    def __init__(self, log: SQLiteLog, work: Sequence[Batch]) -> None:
        self._log = log
        self._work: Iterator[Batch] = iter(work)
        self._left = len(work)
        self._finished = threading.Event()
        self._latencies: list[float] = []

    def run(self, in_flight: int, events: int) -> Run:
        """Append everything and return what that cost."""
        cpu, began = time.process_time(), time.perf_counter()
        for _ in range(in_flight):
            self._send()
        self._finished.wait()
        return Run(events, time.perf_counter() - began, time.process_time() - cpu, self._latencies)

    def _send(self) -> None:
        batch = next(self._work, None)
        if batch is None:
            return
        sent_at = time.perf_counter()

        def done(receipt: Receipt) -> None:
            if not isinstance(receipt, Committed) or receipt.duplicates:
                raise SystemExit(f"not stored: {receipt}")
            self._latencies.append(time.perf_counter() - sent_at)
            self._left -= 1
            self._send()
            if not self._left:
                self._finished.set()

        self._log.append(batch, done)


def append(log: SQLiteLog, events: Sequence[Event], count: int, size: int, in_flight: int) -> Run:
    """Append `count` new events in requests of `size`."""
    work = batches(events, count, size)
    return Client(log, work).run(in_flight, len(work) * size)


@dataclass(frozen=True)
class Appended:
    """One shape of requests, on a log of its own."""

    shape: tuple[int, int]
    run: Run
    disk_share: float
    """What the log takes on disk, divided by the events' JSON."""
    wal_bytes: int


def run(*, events: int, millions: float) -> Report:
    """Measure all shapes, then one of them after a long history, and return the report."""
    some, json_bytes = pool()
    with scratch.folder() as folder:
        appended = [appended_as(shape, folder, some, events, json_bytes) for shape in SHAPES]
        history, read_per_s, ratio = after_history(folder, some, millions, events)
    batch = next(each for each in appended if each.shape == (50, 64))
    checks = [
        Check(
            "log alone, 50 a request: events per second",
            batch.run.events / batch.run.elapsed_s,
            100_000,
            at_least=True,
        ),
        Check("log alone, disk ÷ JSON: the worst of all", max(each.disk_share for each in appended), 0.2),
        Check("log alone, events per second read from a backlog", read_per_s, 80_000, at_least=True),
        Check("log alone, cost on a long log ÷ on an empty one", ratio, 1.2),
    ]
    notes = [f"An event is {json_bytes:.0f} bytes of JSON, all are different; a reply is the commit's end."]
    return Report("The log alone", [shapes_table(appended), history], checks, notes)


def appended_as(
    shape: tuple[int, int], folder: Path, events: Sequence[Event], count: int, json_bytes: float
) -> Appended:
    """Measure one shape on a log of its own."""
    size, in_flight = shape
    place = folder / f"{size}-{in_flight}"
    log = SQLiteLog(place, LogSettings())
    some = max(size * in_flight * 4, min(count, 20_000 * size))
    found = append(log, events, some, size, in_flight)
    wal_bytes = (place / "log.db-wal").stat().st_size
    log.close()
    disk_bytes = sum(file.stat().st_size for file in place.glob("log.db*"))
    return Appended(shape, found, disk_bytes / (json_bytes * found.events), wal_bytes)


def shapes_table(appended: Sequence[Appended]) -> Table:
    """Return what each shape cost."""
    rows = [
        (
            f"{each.shape[0]} events, {each.shape[1]} in flight",
            number(each.run.events / each.run.elapsed_s),
            number(each.run.cpu_us),
            *(number(each.run.latency_ms(share)) for share in (0.5, 0.99, 1)),
            f"{each.disk_share:.3f}",
            number(each.wal_bytes / 2**20),
        )
        for each in appended
    ]
    columns = (
        "a request",
        "events/s",
        "CPU µs/event",
        "p50 ms",
        "p99 ms",
        "max ms",
        "disk ÷ JSON",
        "WAL MiB",
    )
    return Table("Appending", columns, rows)


def after_history(
    folder: Path, events: Sequence[Event], millions: float, count: int
) -> tuple[Table, float, float]:
    """Measure one shape on an empty log and on one with `millions` of events, its start and its reading.

    Return that, how many events a second were read, and how much dearer one is on the long log.
    """
    log = SQLiteLog(folder / "history", LogSettings(retention_bytes=0))
    empty = append(log, events, count, 50, 64)
    for _ in range(int(millions * 10)):
        append(log, events, 100_000, FILL_EVENTS, 2)
    full = append(log, events, count, 50, 64)
    log.close()
    began = time.perf_counter()
    log = SQLiteLog(folder / "history", LogSettings(retention_bytes=0))
    append(log, events, 50, 50, 1)
    start_s = time.perf_counter() - began
    read_per_s = reading(log)
    log.close()
    rows = (
        ("CPU µs/event, empty log", number(empty.cpu_us)),
        (f"CPU µs/event, {millions:g} million events stored", number(full.cpu_us)),
        ("first commit after a start, s", number(start_s)),
        ("events/s read from a backlog", number(read_per_s)),
    )
    table = Table("After a long history (50 events a request, 64 in flight)", ("what", "value"), rows)
    return table, read_per_s, full.cpu_us / empty.cpu_us


def reading(log: SQLiteLog) -> float:
    """Return how many events a second are read from the beginning of the log."""
    began, read, position = time.perf_counter(), 0, 0
    while read < 300_000 and (page := log.read(position)).through > position:
        read += len(page.events)
        position = page.through
    return read / (time.perf_counter() - began)


if __name__ == "__main__":
    conclude(run, __doc__, events=100_000, millions=1.0)
