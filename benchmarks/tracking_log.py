"""What the way from the log to the tracking log costs: `python -m benchmarks.tracking_log --events 200000`.

Rendering alone, a backlog (several times, the median counts), how far behind the file is live, and idling. The
limit beside it writes and syncs lines of the same size and does nothing else.
"""

import json
import os
import resource
import statistics
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from benchmarks.lib import scratch
from benchmarks.lib.command import conclude
from benchmarks.lib.report import Check, Report, Table, number
from trackside.config.settings import LogSettings
from trackside.delivery import DeliveryEngine
from trackside.destinations.tracking_log import TrackingLog, TrackingLogSettings
from trackside.destinations.tracking_log.line import render
from trackside.event import EMITTED, Batch, Event
from trackside.log.base import Log, append_and_wait
from trackside.log.sqlite import SQLiteLog
from trackside.log.subscription import Subscription

BACKLOGS = 3
RENDERED_EVENTS = 20_000
RENDERED_AT_ONCE = 128
LIVE_PER_S = 1_000
SYNCED_EVENTS = 10_000
IDLE_S = 3.0

CONTEXT: dict[str, Any] = {
    "page": {
        "path": "/courses/course-v1:edX+DemoX+2024/courseware/week1/",
        "referrer": "https://lms.example.org/dashboard",
        "search": "?activate_block_id=block-v1%3AedX%2BDemoX",
        "title": "Week 1 | Demonstration Course",
        "url": "https://lms.example.org/courses/course-v1:edX+DemoX+2024/courseware/week1/",
    },
    "userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0",
    "userAgentData": {
        "brands": [{"brand": "Chromium", "version": "140"}],
        "mobile": False,
        "platform": "Linux",
    },
    "locale": "en-US",
    "library": {"name": "analytics.js", "version": "next-1.84.3"},
    "campaign": {},
    "timezone": "Europe/Berlin",
    "ip": "203.0.113.7",
}
DATA = {
    "course_id": "course-v1:edX+DemoX+2024",
    "current_tab": 1,
    "tab_count": 5,
    "id": "block-v1:edX+DemoX+2024+type@sequential+block@week1",
    "widget_placement": "top",
    "text": "Let us think about what this means for the measurement of learning. " * 4,
}


def context(visit: int) -> Raw:
    """Return the context of a page view: three events in a row come from one, no two views are alike."""
    ip = f"203.0.{visit // 250 % 250}.{visit % 250}"
    page = CONTEXT["page"] | {"search": f"?activate_block_id=block-v1%3AedX%2BDemoX-{visit}"}
    return Raw(msgspec.json.encode(CONTEXT | {"ip": ip, "page": page}))


def event(number: int) -> Event:
    """Return the event of that number: a call of analytics.js."""
    now = datetime.now(UTC)
    return Event(
        id=f"ajs-next-1795202579920-7f53bcbf-cc69-4205-99d1-{number:012x}",
        name="edx.ui.lms.sequence.next_selected",
        type="track",
        source="web",
        timestamp=now,
        received_at=now,
        data=Raw(msgspec.json.encode(DATA)),
        context=context(number // 3),
        user_id=str(number % 5000),
        anonymous_id="5f53bcbf-cc69-4205-99d1-b7c8f3979374",
        original_timestamp="2026-11-20T19:22:59.920Z",
        sent_at="2026-11-20T19:22:59.961Z",
        extra=Raw(b'{"_metadata":{"bundled":["Segment.io"],"unbundled":[],"bundledIds":[]}}'),
    )


def emitted(number: int) -> Event:
    """Return an event of that number as the platform's own tracker emits it."""
    around = {
        "user_id": number % 5_000,
        "username": "honor",
        "session": f"{number:032x}",
        "ip": "203.0.113.7",
        "agent": CONTEXT["userAgent"],
        "host": "lms.example.org",
        "referer": CONTEXT["page"]["url"],
        "accept_language": "en-US",
        "path": "/event",
        "course_id": DATA["course_id"],
        "org_id": "edX",
        "event_source": "browser",
        "page": CONTEXT["page"]["url"],
    }
    return replace(event(number), context=Raw(msgspec.json.encode(around)), extra=EMITTED)


@dataclass(frozen=True)
class Cost:
    """What so many events took."""

    events: int
    cpu_s: float
    elapsed_s: float

    @property
    def cpu_us(self) -> float:
        return self.cpu_s / self.events * 1e6

    @property
    def per_s(self) -> float:
        return self.events / self.elapsed_s


class Stopwatch:
    """Runs from its making on."""

    def __init__(self) -> None:
        self._began, self._cpu_s = time.monotonic(), self._used_s()

    @staticmethod
    def _used_s() -> float:
        used = resource.getrusage(resource.RUSAGE_SELF)
        return used.ru_utime + used.ru_stime

    def cost(self, events: int) -> Cost:
        """Return what `events` took since it was made, CPU of all threads."""
        return Cost(events, self._used_s() - self._cpu_s, time.monotonic() - self._began)


def wait_until(condition: Callable[[], bool], timeout_s: float = 120.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("delivery did not catch up")
        time.sleep(0.005)


def rendering(make: Callable[[int], Event]) -> tuple[Cost, bytes]:
    """Return what rendering cost, and the first lines."""
    events = [make(n) for n in range(RENDERED_EVENTS)]
    slices = [events[n : n + RENDERED_AT_ONCE] for n in range(0, len(events), RENDERED_AT_ONCE)]
    watch = Stopwatch()
    for some in slices:
        render(some)
    return watch.cost(len(events)), render(slices[0])


def writing(path: Path, lines: bytes, events: int) -> Cost:
    """Return what it costs to write lines of this size, synced as often as a backlog is."""
    watch = Stopwatch()
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for first in range(0, events, RENDERED_AT_ONCE):
        os.write(fd, lines)
        if first % SYNCED_EVENTS < RENDERED_AT_ONCE:
            os.fsync(fd)
    os.close(fd)
    cost = watch.cost(events)
    path.unlink()
    return cost


@contextmanager
def delivering(log: SQLiteLog, name: str, path: Path) -> Iterator[None]:
    """Deliver to the file at `path` as the destination `name` while the block runs."""
    settings = TrackingLogSettings()
    place = TrackingLog(path, settings)
    engine = DeliveryEngine(log, {name: (place, settings)}, path.with_name("delivery.lock"))
    engine.start()
    try:
        yield
    finally:
        engine.stop()


def fill(log: Log, events: int) -> None:
    for first in range(0, events, 500):
        append_and_wait(log, Batch(events=[event(n) for n in range(first, min(first + 500, events))]))


def backlogs(directory: Path, events: int) -> list[Cost]:
    """Return what delivering a whole log into an empty file took each time, syncing included."""
    log = SQLiteLog(directory, LogSettings())
    fill(log, events)
    costs = []
    for number_ in range(BACKLOGS):
        name = f"file{number_}"
        path = directory / f"{name}.log"
        subscription = log.subscription(name)
        watch = Stopwatch()
        with delivering(log, name, path):
            wait_until(partial(_has_delivered, subscription, events))
            costs.append(watch.cost(events))
        with path.open("rb") as file:
            lines = sum(1 for _ in file)
        if lines != events:
            raise SystemExit(f"{events} events gave {lines} lines")
        path.unlink()
    log.close()
    return costs


def _has_delivered(subscription: Subscription, events: int) -> bool:
    return subscription.state().delivered >= events


class Reader:
    """Reads along in the file and notes when each event's line was there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sent: dict[str, float] = {}
        self.lags_s: list[float] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def expect(self, events: Iterable[Event]) -> None:
        """Note that `events` are appended now."""
        now = time.monotonic()
        self._sent.update((each.id, now) for each in events)

    def finish(self) -> Sequence[float]:
        """Return all lags, shortest first, once every line is there."""
        wait_until(lambda: len(self.lags_s) >= len(self._sent))
        self._ended.set()
        self._thread.join()
        return sorted(self.lags_s)

    def _run(self) -> None:
        with self._path.open("rb") as file:
            rest = b""
            while not self._ended.is_set():
                *lines, rest = (rest + file.read()).split(b"\n")
                seen = time.monotonic()
                for line in lines:
                    self.lags_s.append(seen - self._sent[json.loads(line)["context"]["client"]["messageId"]])
                time.sleep(0.002)


def live(directory: Path, seconds: float) -> Sequence[float]:
    """Return how long after its commit began each event's line was in the file, at a steady rate."""
    log = SQLiteLog(directory, LogSettings())
    path = directory / "tracking.log"
    with delivering(log, "tracking_log", path):
        wait_until(path.exists)
        reader = Reader(path)
        count, started = 0, time.monotonic()
        while (elapsed := time.monotonic() - started) < seconds:
            events = [event(n) for n in range(count, int(elapsed * LIVE_PER_S))]
            count += len(events)
            if events:
                reader.expect(events)
                append_and_wait(log, Batch(events=events))
            time.sleep(0.01)
        lags_s = reader.finish()
    log.close()
    return lags_s


def idle_share(directory: Path) -> float:
    """Return which share of one CPU an engine with nothing to do takes."""
    log = SQLiteLog(directory, LogSettings())
    with delivering(log, "tracking_log", directory / "tracking.log"):
        time.sleep(1.0)
        watch = Stopwatch()
        time.sleep(IDLE_S)
        cost = watch.cost(1)
    log.close()
    return cost.cpu_s / cost.elapsed_s


def run(*, events: int, live_s: float) -> Report:
    """Measure rendering, a backlog, the live lag and idling, and return the report."""
    with scratch.folder() as root:
        for part in ("backlog", "live", "idle"):
            (root / part).mkdir(mode=0o700)
        rendered, lines = rendering(event)
        alone = {"a client's events": rendered, "emitted events": rendering(emitted)[0]}
        limit = writing(root / "limit.log", lines, events)
        found = backlogs(root / "backlog", events)
        lags_s = live(root / "live", live_s)
        idle = idle_share(root / "idle")
    rates = [cost.per_s for cost in found]
    p50, p99, worst = (lags_s[int(share * (len(lags_s) - 1))] * 1e3 for share in (0.5, 0.99, 1))
    lags = Table(
        f"Live, at {LIVE_PER_S:,} events/s",
        ("lag", "ms"),
        [("p50", number(p50)), ("p99", number(p99)), ("longest", number(worst))],
    )
    checks = [
        Check(
            "tracking log: events per second from a backlog", statistics.median(rates), 80_000, at_least=True
        ),
        Check("tracking log: live lag p99", p99, 250, "ms"),
        Check("tracking log: idle CPU", idle * 100, 1, "%"),
    ]
    notes = [
        f"{events:,} events, lines of {len(lines) / RENDERED_AT_ONCE:,.0f} bytes.",
        f"{len(found)} backlogs, from {min(rates):,.0f} to {max(rates):,.0f} events/s; the median counts.",
    ]
    return Report("From the log to the tracking log", [_costs(limit, alone, found), lags], checks, notes)


def _costs(limit: Cost, alone: Mapping[str, Cost], backlogs: Sequence[Cost]) -> Table:
    cpu_us = statistics.median(cost.cpu_us for cost in backlogs)
    per_s = statistics.median(cost.per_s for cost in backlogs)
    costs = [("limit: writing and syncing such lines", limit.cpu_us, limit.per_s)]
    costs += [(f"rendering alone, {what}", cost.cpu_us, cost.per_s) for what, cost in alone.items()]
    costs.append(("backlog, from the log to the file", cpu_us, per_s))
    rows = [(what, number(us), f"{rate:,.0f}", number(us / limit.cpu_us)) for what, us, rate in costs]
    return Table("Cost of an event", ("what", "CPU µs/event", "events/s", "÷ limit"), rows)


if __name__ == "__main__":
    conclude(run, __doc__, events=200_000, live_s=5.0)
