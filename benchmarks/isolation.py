"""Whether a dead endpoint is noticed by healthy ones: `python -m benchmarks.isolation --waiting 1000000`.

A hundred healthy webhooks get a steady stream of events, alone and beside one endpoint that answers 503 and has a
million events waiting. And what it costs to find, for each event, the hundred of ten thousand endpoints that want it.
"""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from benchmarks.lib import proc, scratch
from benchmarks.lib.command import conclude
from benchmarks.lib.report import Check, Report, Table, number
from benchmarks.lib.webhook_receiver import Receiver, receiving
from benchmarks.tracking_log import wait_until
from benchmarks.webhook_delivery import DATA, delivering, settings, webhook_event
from trackside.config.settings import Config
from trackside.delivery.feed import Feed
from trackside.delivery.timing import Timing
from trackside.destinations.webhook import WebhookSettings
from trackside.event import Batch
from trackside.log.base import append_and_wait
from trackside.log.sqlite import SQLiteLog

HEALTHY = 100
EVENTS_PER_S = 10
"""Each goes to all the healthy ones."""
ROUNDS = 5
SETTLE_S = 2.0
WARM_S = 4.0
FILL_EVENTS = 5_000
PROMISED_TIMES = 1.2
PROMISED_GROWTH = 1.1
ENDPOINTS = 10_000
NAMES = 100
"""Each endpoint wants the events of one name, so that one in a hundred wants an event."""
ROUTED_EVENTS = 20_000
ROUTED_PAGE = 1_000
PROMISED_ROUTING_US = 50


def stream(log: SQLiteLog, receiver: Receiver, seconds: float) -> Sequence[float]:
    """Return how old each delivery of a stream of events was when it was taken, in ms."""
    seen = len(receiver.found()["lags_s"])
    count, started = 0, time.monotonic()
    while (elapsed_s := time.monotonic() - started) < seconds:
        if count <= elapsed_s * EVENTS_PER_S:
            data = Raw(msgspec.json.encode(DATA | {"sent_s": time.monotonic()}))
            live = replace(webhook_event(count), name="live", data=data, id=f"{started}-{count}")
            append_and_wait(log, Batch(events=[live]))
            count += 1
        time.sleep(0.005)
    wait_until(lambda: len(receiver.found()["lags_s"]) >= seen + count * HEALTHY)
    found: list[float] = receiver.found()["lags_s"]
    return [lag_s * 1e3 for lag_s in found[seen:]]


def healthy(receiver: Receiver) -> dict[str, WebhookSettings]:
    """Return the healthy webhooks."""
    return {
        f"w{n}": settings(f"{receiver.url}/{n}", events=["live"], start="latest", concurrency=8)
        for n in range(HEALTHY)
    }


def alone(log: SQLiteLog, directory: Path, seconds: float) -> Sequence[float]:
    """Return the lags of the healthy webhooks by themselves."""
    with receiving() as receiver, delivering(log, directory, healthy(receiver)):
        time.sleep(SETTLE_S)
        stream(log, receiver, WARM_S)
        return stream(log, receiver, seconds)


def beside_a_dead_one(log: SQLiteLog, directory: Path, seconds: float) -> tuple[Sequence[float], float, int]:
    """Return the lags beside the dead endpoint, by how much memory grew meanwhile, and how many events wait there."""
    with receiving() as receiver:
        dead = settings(f"{receiver.url}/down", events=["*"])
        with delivering(log, directory, {**healthy(receiver), "dead": dead}):
            subscription = log.subscription("dead")
            wait_until(lambda: subscription.state().failing_since is not None)
            time.sleep(SETTLE_S)
            stream(log, receiver, WARM_S)  # a hundred clients and their caches are made at the first events
            before = proc.own_rss_bytes()
            lags = stream(log, receiver, seconds)
            growth = proc.own_rss_bytes() / before
            return lags, growth, log.bounds().last - subscription.state().position


def routing_us() -> float:
    """Return what the feed takes, in µs of CPU an event, to bring each to those of the endpoints that want it."""
    with scratch.folder() as directory:
        log = SQLiteLog(directory, Config().log)
        feed = Feed(log, Timing())
        inboxes = [feed.open([f"name.{n % NAMES}.*"], lambda: None) for n in range(ENDPOINTS)]
        for inbox in inboxes:
            inbox.join(0)
        asyncio.run(feed.bring())
        used_s = 0.0
        for first in range(0, ROUTED_EVENTS, ROUTED_PAGE):
            events = [
                replace(webhook_event(n), name=f"name.{n % NAMES}.sent")
                for n in range(first, first + ROUTED_PAGE)
            ]
            append_and_wait(log, Batch(events=events))
            began_s = time.process_time()
            asyncio.run(feed.bring())
            used_s += time.process_time() - began_s
            brought = 0
            for inbox in inboxes:
                page = inbox.page(first, ROUTED_PAGE)
                brought += len(page.positions) if page is not None else 0
                inbox.page(first + ROUTED_PAGE, 1)
            if brought != ROUTED_PAGE * ENDPOINTS // NAMES:
                raise SystemExit(f"{brought} were brought")
        log.close()
    return used_s / ROUTED_EVENTS * 1e6


def run(*, waiting: int, seconds: float) -> Report:
    """Measure the lags in turn and the routing, and return the report."""
    without: list[float] = []
    beside: list[float] = []
    growths, still = [], 0
    with scratch.folder() as directory:
        log = SQLiteLog(directory, Config().log)
        log.subscription("dead")
        for first in range(0, waiting, FILL_EVENTS):
            events = [replace(webhook_event(first + n), name="stored") for n in range(FILL_EVENTS)]
            append_and_wait(log, Batch(events=events))
        for _ in range(ROUNDS):
            without += alone(log, directory, seconds)
            lags, grown, still = beside_a_dead_one(log, directory, seconds)
            beside += lags
            growths.append(grown)
        log.close()
    shares = (0.5, 0.99, 1.0)
    rows = [
        (what, *(number(sorted(lags)[int(share * (len(lags) - 1))]) for share in shares))
        for what, lags in (("by themselves", without), (f"beside one with {still:,} events waiting", beside))
    ]
    p99 = [sorted(lags)[int(0.99 * (len(lags) - 1))] for lags in (without, beside)]
    routed_us = routing_us()
    checks = [
        Check("isolation: healthy p99 lag beside a dead endpoint", p99[1] / p99[0], PROMISED_TIMES, "times"),
        Check("isolation: growth of memory, last round", growths[-1], PROMISED_GROWTH, "times"),
        Check("isolation: events waiting at the dead endpoint", still, waiting * 0.99, at_least=True),
        Check("routing: 10,000 endpoints, 1 % want an event", routed_us, PROMISED_ROUTING_US, "µs"),
    ]
    notes = [
        f"{HEALTHY} healthy webhooks, {EVENTS_PER_S} events/s to each; {ROUNDS} rounds of {seconds:g} s in turn.",
        "The lag ends with the receiver, and begins before the append. Events are brought at once while they are few.",
        "Memory: of the delivering process in each round beside the dead endpoint, "
        + ", ".join(f"{growth:.2f}" for growth in growths)
        + " times what it was after the first seconds of the stream, which warm a process up and count for no lag.",
        f"Routing: {ROUTED_EVENTS:,} events, their reading included.",
    ]
    table = Table("Lag of healthy webhooks, ms", ("", "p50", "p99", "longest"), rows)
    return Report("One dead endpoint, and many", [table], checks, notes)


if __name__ == "__main__":
    conclude(run, __doc__, waiting=1_000_000, seconds=10.0)
