"""What the way from the log to the tracking log costs: rendering, a backlog, and how far behind it is live.

    python -m benchmarks.tracking_log [--events 200000] [--live-s 5]

The limit beside it writes lines of the same size with nothing but `os.write`.
"""

import argparse
import json
import os
import resource
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Raw

from trackside.config.settings import LogSettings
from trackside.delivery import DeliveryEngine
from trackside.destinations.tracking_log import TrackingLog, TrackingLogSettings
from trackside.destinations.tracking_log.line import render
from trackside.event import Batch, Event
from trackside.log.base import Log, append_and_wait
from trackside.log.sqlite import SQLiteLog

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


def cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def wait_until(condition: Callable[[], bool], timeout_s: float = 120.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("delivery did not catch up")
        time.sleep(0.005)


def fill(log: Log, events: int) -> None:
    for first in range(0, events, 500):
        append_and_wait(log, Batch(events=[event(n) for n in range(first, min(first + 500, events))]))


def render(path: Path, count: int = 20_000) -> dict[str, float]:
    """CPU µs of an event: rendering, encoding, and writing the same bytes with nothing around it."""
    events = [event(n) for n in range(count)]
    started = time.process_time()
    for first in range(0, count, 1_000):
        payload = render(events[first : first + 1_000])
    rendered = time.process_time() - started
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    started = time.process_time()
    for _ in range(count // 1_000):
        os.write(fd, payload)
    written = time.process_time() - started
    os.close(fd)
    path.unlink()
    return {
        "line_bytes": len(payload) / 1_000,
        "render_us": rendered / count * 1e6,
        "limit_write_us": written / count * 1e6,
    }


def backlog(directory: Path, events: int) -> dict[str, float]:
    """Events a second from a full log into an empty file, fsync included."""
    log = SQLiteLog(directory, LogSettings())
    fill(log, events)
    engine = DeliveryEngine(
        log,
        {
            "tracking_log": (
                TrackingLog(directory / "tracking.log", TrackingLogSettings()),
                TrackingLogSettings(),
            )
        },
        directory / "delivery.lock",
    )
    subscription = log.subscription("tracking_log")
    started, cpu = time.monotonic(), cpu_s()
    engine.start()
    wait_until(lambda: subscription.state().delivered >= events)
    wall, cpu = time.monotonic() - started, cpu_s() - cpu
    engine.stop()
    log.close()
    with (directory / "tracking.log").open("rb") as file:
        lines = sum(1 for _ in file)
    if lines != events:
        raise SystemExit(f"{events} events gave {lines} lines")
    return {"backlog_events_per_s": events / wall, "backlog_cpu_us": cpu / events * 1e6}


def live(directory: Path, seconds: float, rate: int = 1_000) -> dict[str, float]:
    """How long after its commit began an event's line is in the file, at `rate` events a second."""
    log = SQLiteLog(directory, LogSettings())
    path = directory / "tracking.log"
    settings = TrackingLogSettings()
    engine = DeliveryEngine(
        log, {"tracking_log": (TrackingLog(path, settings), settings)}, directory / "delivery.lock"
    )
    engine.start()
    wait_until(path.exists)
    sent: dict[str, float] = {}
    lags: list[float] = []
    ended = threading.Event()

    def read_along() -> None:
        with path.open("rb") as file:
            rest = b""
            while not ended.is_set() or len(lags) < len(sent):
                rest += file.read()
                *lines, rest = rest.split(b"\n")
                seen = time.monotonic()
                for line in lines:
                    lags.append(seen - sent[json.loads(line)["context"]["client"]["messageId"]])
                time.sleep(0.002)

    reader = threading.Thread(target=read_along)
    reader.start()
    cpu, step, number = cpu_s(), 0.01, 0
    started = time.monotonic()
    while (elapsed := time.monotonic() - started) < seconds:
        events = [event(n) for n in range(number, int(elapsed * rate))]
        number += len(events)
        now = time.monotonic()
        sent.update((each.id, now) for each in events)
        if events:
            append_and_wait(log, Batch(events=events))
        time.sleep(step)
    wait_until(lambda: len(lags) >= len(sent))
    ended.set()
    reader.join()
    cpu = cpu_s() - cpu
    engine.stop()
    log.close()
    lags.sort()
    return {
        "live_events": float(len(lags)),
        "live_lag_p50_ms": lags[len(lags) // 2] * 1e3,
        "live_lag_p99_ms": lags[int(len(lags) * 0.99)] * 1e3,
        "live_lag_max_ms": lags[-1] * 1e3,
    }


def idle(directory: Path, seconds: float = 3.0) -> dict[str, float]:
    """CPU share of an engine with nothing to do."""
    log = SQLiteLog(directory, LogSettings())
    settings = TrackingLogSettings()
    engine = DeliveryEngine(
        log,
        {"tracking_log": (TrackingLog(directory / "tracking.log", settings), settings)},
        directory / "delivery.lock",
    )
    engine.start()
    time.sleep(1.0)
    cpu = cpu_s()
    time.sleep(seconds)
    cpu = cpu_s() - cpu
    engine.stop()
    log.close()
    return {"idle_cpu_percent": cpu / seconds * 100}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--live-s", type=float, default=5.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for part in ("backlog", "live", "idle"):
            (root / part).mkdir(mode=0o700)
        results = render(root / "limit.log")
        results |= backlog(root / "backlog", arguments.events)
        results |= live(root / "live", arguments.live_s)
        results |= idle(root / "idle")
    for label, value in results.items():
        print(f"{label:24} {value:12,.2f}")


if __name__ == "__main__":
    main()
