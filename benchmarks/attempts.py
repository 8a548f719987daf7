"""What keeping attempts costs while webhooks are sent, and how long a page takes over millions of them.

    python -m benchmarks.attempts [--attempts 100000] [--millions 1]

Recording is measured as destinations do it, with bodies of 1.3 KB that are all different, at several rates. CPU is
user plus system time of the whole process, the writing thread included; what the loop costs by itself is taken off.
Pages are measured over rows as they come to be, of 20 destinations, one of which fails one time in 50.
"""

import gc
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.lib import scratch
from benchmarks.lib.command import conclude
from benchmarks.lib.events import compact, generate
from benchmarks.lib.report import Check, Report, Table, number
from trackside.attempts.base import Ending, Query, Recorder, Sending
from trackside.attempts.records import encode_begin, encode_end
from trackside.attempts.sqlite import SQLiteAttempts
from trackside.attempts.sqlite.groups import Pair, keep
from trackside.attempts.sqlite.keys import sort_keys
from trackside.config.settings import AttemptSettings
from trackside.sqlite.instants import to_us
from trackside.telemetry import catalogue

RATE = 5_000
RATES = (100, RATE, 20_000)
POOL = 5_000
DESTINATIONS = 20
AT_ONCE = 1_250
PAGES = 200
SETTINGS = AttemptSettings(max_bytes=2**40)
ANSWER = (("content-type", "application/json"), ("content-length", "15"), ("server", "nginx"))


def sendings(count: int) -> list[Sending]:
    """Return different attempts."""
    now = datetime.now(UTC)
    bodies = [compact(call).encode() for call in generate(POOL, seed=7, now=now)]
    return [
        Sending(
            position=index + 1,
            event_id=f"msg-{random.getrandbits(96):024x}",
            event_name="edx.course.enrollment.activated",
            number=1,
            began_us=to_us(now),
            method="POST",
            url="https://crm.example.org/events",
            headers=(
                ("User-Agent", "Trackside/1.0"),
                ("Content-Type", "application/json"),
                ("webhook-id", f"msg-{index}"),
                ("webhook-timestamp", "1764250000"),
                ("webhook-signature", f"v1,{random.getrandbits(256):064x}"),
                ("trackside-attempt", "1"),
            ),
            body=bodies[index % POOL],
        )
        for index in range(count)
    ]


def record(folder: Path, count: int, rate: float) -> tuple[float, float, float]:
    """Record attempts at that rate; return CPU µs an attempt, the slowest begin in ms, and how many were dropped."""
    store = SQLiteAttempts(folder, SETTINGS)
    store.start()
    recorder = store.recorder("crm")
    idle_s, _ = paced(Nobody(), count, rate)
    dropped = catalogue.ATTEMPTS_DROPPED.value("crm")
    busy_s, slowest_s = paced(recorder, count, rate)
    cpu = time.process_time()
    store.close()
    cpu_s = busy_s - idle_s + time.process_time() - cpu
    return cpu_s / count * 1e6, slowest_s * 1e3, catalogue.ATTEMPTS_DROPPED.value("crm") - dropped


class Nobody:
    """A recorder that does nothing: what the loop itself costs."""

    def begin(self, sending: Sending) -> int | None:  # noqa: ARG002
        return None

    def end(self, key: int | None, ending: Ending) -> None:
        pass


def paced(recorder: Recorder, count: int, rate: float) -> tuple[float, float]:
    """Record attempts at that rate, 50 at a time; return the CPU time this took, and the slowest begin."""
    work = sendings(min(count, POOL))
    ending = Ending(outcome="delivered", duration_s=0.02, status=200, headers=ANSWER, body=b'{"status":"ok"}')
    slowest_s = 0.0
    gc.collect()
    gc.freeze()  # as the server does
    cpu, began = time.process_time(), time.perf_counter()
    for start in range(0, count, 50):
        for index in range(start, start + 50):
            before = time.perf_counter()
            key = recorder.begin(work[index % POOL])
            slowest_s = max(slowest_s, time.perf_counter() - before)
            recorder.end(key, ending)
        wait_s = began + (start + 50) / rate - time.perf_counter()
        if wait_s > 0:
            time.sleep(wait_s)
    return time.process_time() - cpu, slowest_s


def fill(store: SQLiteAttempts, millions: float) -> None:
    """Keep so many attempts, as the writer does, an hour of them every 5,000,000."""
    count = int(millions * 1e6)
    pool = sendings(POOL)
    started = datetime.now(UTC) - timedelta(seconds=count / RATE)
    for start in range(0, count, AT_ONCE):
        at = started + timedelta(seconds=start / RATE)
        with store._database.writing() as connection:
            keep(connection, list(_pairs(pool, start, at)))
            sort_keys(connection, start)


def _pairs(pool: list[Sending], start: int, at: datetime) -> Iterator[Pair]:
    for index in range(start, start + AT_ONCE):
        base = pool[index % POOL]
        sending = Sending(
            position=index + 1,
            event_id=f"msg-{index}",
            event_name=base.event_name,
            number=1,
            began_us=to_us(at),
            method=base.method,
            url=base.url,
            headers=base.headers,
            body=base.body[:400],
        )
        destination = index % DESTINATIONS
        failed = destination == 0 and index % 1_000 == 0
        ending = Ending(
            outcome="failed" if failed else "delivered", duration_s=0.02, status=503 if failed else 204
        )
        yield (
            encode_begin(index, f"destination-{destination}".encode(), sending, bodies=True),
            encode_end(index, ending, bodies=True),
        )


def queries(count: int, choose: random.Random) -> dict[str, Iterator[tuple[Query, int | None]]]:
    """Return what is asked for, by what it is called, each with where the page begins."""
    now = datetime.now(UTC)

    def each(**asked: object) -> Iterator[tuple[Query, int | None]]:
        while True:
            yield Query(**asked), choose.randrange(count // 2, count)  # type: ignore[arg-type]

    def events() -> Iterator[tuple[Query, int | None]]:
        while True:
            yield Query(event_id=f"msg-{choose.randrange(count)}"), None

    def positions() -> Iterator[tuple[Query, int | None]]:
        while True:
            yield Query(position=choose.randrange(count), destination="destination-3"), None

    def times() -> Iterator[tuple[Query, int | None]]:
        while True:
            until = now - timedelta(seconds=choose.random() * count / RATE)
            yield Query(until=until, since=until - timedelta(minutes=5)), None

    return {
        "newest of all": iter([(Query(), None)] * PAGES),
        "all, somewhere": each(),
        "one destination": each(destination="destination-7"),
        "failures of all": each(failed=True),
        "5xx of one destination": each(status="5xx", destination="destination-0"),
        "5xx where there are none": each(status="5xx", destination="destination-1"),
        "an event": events(),
        "a position": positions(),
        "a time": times(),
    }


def run(*, attempts: int, millions: float) -> Report:
    """Measure and return the report."""
    with scratch.folder() as folder:
        recorded = [(rate, record(folder / str(rate), min(attempts, rate * 10), rate)) for rate in RATES]
        store = SQLiteAttempts(folder / "many", SETTINGS)
        fill(store, millions)
        size_bytes = store._database.size_bytes()
        rows = []
        worst_ms = 0.0
        for name, asked in queries(int(millions * 1e6), random.Random(5)).items():
            taken = []
            for query, before in (next(asked) for _ in range(PAGES)):
                began = time.perf_counter()
                store.page(query, before=before)
                taken.append((time.perf_counter() - began) * 1e3)
            taken.sort()
            worst_ms = max(worst_ms, taken[int(0.99 * PAGES)])
            rows.append(
                (name, number(taken[PAGES // 2]), number(taken[int(0.99 * PAGES)]), number(taken[-1]))
            )
        store.close()
    cost = Table(
        "Recording",
        ("attempts a second", "CPU µs/attempt", "slowest begin ms", "dropped"),
        [(number(rate), *(number(each) for each in found)) for rate, found in recorded],
    )
    pages = Table(
        f"Pages of 50 over {millions:g} million attempts", ("asked for", "p50 ms", "p99 ms", "max ms"), rows
    )
    checks = [
        Check("attempts, CPU µs an attempt at 5,000 a second", recorded[1][1][0], 15),
        Check("attempts, p99 ms of the slowest kind of page", worst_ms, 50),
    ]
    notes = [f"On disk {size_bytes / millions / 1e6:.0f} bytes an attempt of 400 bytes and its headers."]
    return Report("Attempts of webhooks", [cost, pages], checks, notes)


if __name__ == "__main__":
    conclude(run, __doc__, attempts=50_000, millions=1.0)
