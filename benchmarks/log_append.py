"""What the log alone costs: appending 1, 50 and 500 events a request, reading back, after a long history.

    python -m benchmarks.log_append [--events 100000] [--millions 1]

Events are about 1.3 KB of JSON, all different. So many requests are in flight; a reply is the commit's end.
CPU is user plus system time of the whole process, the thread that folds the write-ahead log back included.
"""

import argparse
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
from benchmarks.lib.events import compact, generate
from benchmarks.lib.report import Table, number
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


def shapes(folder: Path, events: Sequence[Event], count: int, json_bytes: float) -> Table:
    """Measure each shape on a log of its own."""
    rows = []
    for size, in_flight in SHAPES:
        place = folder / f"{size}-{in_flight}"
        log = SQLiteLog(place, LogSettings())
        some = max(size * in_flight * 4, min(count, 20_000 * size))
        run = append(log, events, some, size, in_flight)
        wal_bytes = (place / "log.db-wal").stat().st_size
        log.close()
        disk_bytes = sum(file.stat().st_size for file in place.glob("log.db*"))
        rows.append(
            (
                f"{size} events, {in_flight} in flight",
                number(run.events / run.elapsed_s),
                number(run.cpu_us),
                number(run.latency_ms(0.5)),
                number(run.latency_ms(0.99)),
                number(run.latency_ms(1)),
                number(json_bytes * run.events / disk_bytes),
                number(wal_bytes / 2**20),
            )
        )
    columns = (
        "a request",
        "events/s",
        "CPU us/event",
        "p50 ms",
        "p99 ms",
        "max ms",
        "JSON/disk",
        "WAL MiB",
    )
    return Table(f"Appending; an event is {json_bytes:.0f} bytes of JSON", columns, rows)


def after_history(folder: Path, events: Sequence[Event], millions: float, count: int) -> Table:
    """Measure one shape on an empty log and on one with `millions` of events; its start, its reading."""
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
    began, read, position = time.perf_counter(), 0, 0
    while read < 300_000 and (page := log.read(position)).through > position:
        read += len(page.events)
        position = page.through
    read_s = time.perf_counter() - began
    log.close()
    rows = (
        ("CPU us/event, empty log", number(empty.cpu_us)),
        (f"CPU us/event, {millions:g} million events stored", number(full.cpu_us)),
        ("ratio", number(full.cpu_us / empty.cpu_us)),
        ("first commit after a start, s", number(start_s)),
        ("events/s read from a backlog", number(read / read_s)),
    )
    return Table("After a long history (50 events a request, 64 in flight)", ("what", "value"), rows)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the log alone.")
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--millions", type=float, default=1)
    arguments = parser.parse_args()
    events, json_bytes = pool()
    with scratch.folder() as folder:
        print(shapes(folder, events, arguments.events, json_bytes).markdown() + "\n", flush=True)
        print(after_history(folder, events, arguments.millions, arguments.events).markdown())


if __name__ == "__main__":
    main()
