"""What a webhook costs, from the log to a receiver: `python -m benchmarks.webhook_delivery --events 40000`.

Signed requests of about 1 KB over kept connections, attempts recorded, beside the way of openedx-webhooks: one
`requests.post` each. And what the caller notices of three webhooks whose receivers take 100 ms.
"""

import json
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from benchmarks.lib import bench_venv, scratch
from benchmarks.lib.bench_venv import ROOT
from benchmarks.lib.command import conclude
from benchmarks.lib.report import Check, Report, Table, number
from benchmarks.lib.webhook_receiver import Receiver, receiving
from benchmarks.tracking_log import Cost, Stopwatch, event
from trackside import hub
from trackside.backends.log import LogBackend
from trackside.config.settings import Config
from trackside.delivery import DeliveryEngine
from trackside.destinations.webhook import WebhookSettings
from trackside.event import Batch, Event
from trackside.log.base import append_and_wait
from trackside.log.sqlite import SQLiteLog
from trackside.tracker import Tracker

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # the specification's own example
ROUNDS = 6
PROMISED_PER_S = 5_000
PROMISED_TIMES = 10
PROMISED_CALLER_MS = 0.1
LOOK_EVERY_S = 0.05
"""Each look costs as much as two deliveries."""
POSTS = 200
"""In each round."""
EMITS = 2_000
CALLS = 5
DATA = {"course_id": "course-v1:edX+DemoX+2024", "mode": "verified", "text": "What was enrolled in. " * 24}


def webhook_event(number: int) -> Event:
    """Return an event whose request is about 1 KB."""
    return replace(event(number), data=Raw(msgspec.json.encode(DATA)), context=Raw(b'{"ip":"203.0.113.7"}'))


def settings(url: str, **others: object) -> WebhookSettings:
    """Return a webhook to this machine."""
    known = {"secret": SECRET, "concurrency": 64, "allow_private_networks": True}
    return msgspec.convert({"url": url, **known, **others}, WebhookSettings)


@contextmanager
def delivering(
    log: SQLiteLog, directory: Path, webhooks: dict[str, WebhookSettings]
) -> Iterator[DeliveryEngine]:
    """Deliver to these webhooks while the block runs, as a server does."""
    config = Config(data_dir=str(directory), destinations=webhooks)
    attempts = hub.open_attempts(config)
    assert attempts is not None
    engine = hub.build_delivery(config, log, attempts=attempts)
    attempts.start()
    engine.start()
    try:
        yield engine
    finally:
        engine.stop()
        attempts.close()


def fill(log: SQLiteLog, events: int) -> None:
    """Append so many events."""
    for first in range(0, events, 1_000):
        append_and_wait(
            log, Batch(events=[webhook_event(n) for n in range(first, min(first + 1_000, events))])
        )


def backlog(log: SQLiteLog, directory: Path, name: str, events: int, receiver: Receiver) -> Cost:
    """Return what it took this process to deliver the first `events` of the log."""
    before = receiver.found()["taken"]
    watch = Stopwatch()
    with delivering(log, directory, {name: settings(f"{receiver.url}/{name}")}):
        subscription = log.subscription(name)
        while subscription.state().delivered < events:
            time.sleep(LOOK_EVERY_S)
        cost = watch.cost(events)
    if (taken := receiver.found()["taken"] - before) < events:
        raise SystemExit(f"of {events} events {taken} arrived")
    return cost


def one_post_each(url: str, count: int, *, webhooks: int = 1) -> dict[str, float]:
    """Return what `requests.post` takes, in µs of CPU each and in ms of the caller's time for all `webhooks`."""
    command = [str(bench_venv.python()), "-m", "benchmarks.baseline.posting", url, str(count), str(webhooks)]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=600)
    found: dict[str, float] = json.loads(finished.stdout)
    return found


def caller_ms(directory: Path, receiver: Receiver) -> float:
    """Return the p99 time of an emit on its thread, in ms, while three slow webhooks get each event."""
    log = SQLiteLog(directory, Config().log)
    slow = {f"slow{n}": settings(f"{receiver.url}/slow/100") for n in range(3)}
    tracker = Tracker(backends={"log": LogBackend(directory)})
    tracker.emit("first", {}, durable=True)
    times_ms = []
    with delivering(log, directory, slow):
        for _ in range(EMITS):
            started = time.perf_counter_ns()
            tracker.emit("edx.course.enrollment.activated", DATA)
            times_ms.append((time.perf_counter_ns() - started) / 1e6)
            time.sleep(0.001)
    tracker.get_backend("log").flush(20)  # type: ignore[attr-defined]  # it is a LogBackend
    log.close()
    return statistics.quantiles(times_ms, n=100)[98]


def run(*, events: int) -> Report:
    """Measure the backlog, the peer and the caller, and return the report."""
    with receiving() as receiver, scratch.folder() as root:
        for part in ("backlog", "caller"):
            (root / part).mkdir(mode=0o700)
        log = SQLiteLog(root / "backlog", Config().log)
        fill(log, events)
        found, posts = [], []
        for n in range(ROUNDS):
            found.append(backlog(log, root / "backlog", f"round{n}", events, receiver))
            posts.append(one_post_each(f"{receiver.url}/peer", POSTS))
        log.close()
        found.sort(key=lambda each: each.cpu_us)
        posts.sort(key=lambda each: each["cpu_us"])
        cost, peer = found[0], posts[0]
        body = webhook_event(1)
        peer_caller = one_post_each(f"{receiver.url}/slow/100", CALLS, webhooks=3)
        noticed_ms = caller_ms(root / "caller", receiver)
    per_core = 1e6 / cost.cpu_us
    middle = ROUNDS // 2
    rows = [
        (
            "Trackside, from the log, signed, attempts recorded",
            *(number(cost.cpu_us), number(found[middle].cpu_us), f"{cost.per_s:,.0f}"),
        ),
        (
            "one requests.post each",
            *(number(peer["cpu_us"]), number(posts[middle]["cpu_us"]), f"{peer['per_s']:,.0f}"),
        ),
    ]
    callers = [
        ("Trackside: an emit, p99", number(noticed_ms)),
        ("one requests.post after the other", number(peer_caller["call_ms"])),
    ]
    checks = [
        Check("webhooks: deliveries of a CPU second", per_core, PROMISED_PER_S, at_least=True),
        Check(
            "webhooks: CPU of requests.post / of a delivery",
            peer["cpu_us"] / cost.cpu_us,
            PROMISED_TIMES,
            "times",
            at_least=True,
        ),
        Check("webhooks: an emit with three that take 100 ms, p99", noticed_ms, PROMISED_CALLER_MS, "ms"),
    ]
    size = len(bytes(body.data)) + len(bytes(body.context))
    notes = [
        f"{events:,} events with {size} bytes of data and context.",
        f"{ROUNDS} backlogs and posts in turn, of each the best: what else a machine does only adds to it.",
        "CPU is that of the process that delivers, all its threads; the receiver has another.",
    ]
    return Report(
        "From the log to a webhook",
        [
            Table("A delivery", ("what", "CPU µs", "median", "/s"), rows),
            Table("The caller's time with three webhooks of 100 ms", ("what", "ms"), callers),
        ],
        checks,
        notes,
    )


if __name__ == "__main__":
    conclude(run, __doc__, events=40_000)
