"""What the way from the log to Segment costs: `python -m benchmarks.segment_destination --events 100000`.

Making calls alone, a backlog (several times, the median counts) and live traffic at half the rate promised, both to
a recorder in a process of its own on this machine, by the real client over HTTP. One request is under way at a time:
what the distance to Segment costs is seen beside it, with a recorder that answers late.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from benchmarks.lib import scratch
from benchmarks.lib.batch_recorder import BatchRecorder, recording
from benchmarks.lib.command import conclude
from benchmarks.lib.report import Check, Report, Table, number
from benchmarks.tracking_log import DATA, Cost, Stopwatch, emitted, event, fill, wait_until
from trackside.config.settings import LogSettings
from trackside.delivery import DeliveryEngine
from trackside.destinations.base import DELIVERED, Delivery
from trackside.destinations.segment import Segment, SegmentSettings
from trackside.destinations.segment.batch import cut
from trackside.event import Batch, Event
from trackside.log.base import append_and_wait
from trackside.log.sqlite import SQLiteLog
from trackside.log.subscription import Subscription
from trackside.outbound.client import HttpClient
from trackside.outbound.policy import OPEN

BACKLOGS = 3
PROMISED_PER_S = 20_000
LIVE_PER_S = PROMISED_PER_S // 2
LIVE_TICK_S = 0.01
FAR_S = 0.05
MADE_EVENTS = 20_000


@contextmanager
def delivering(
    log: SQLiteLog, directory: Path, name: str, recorder: BatchRecorder, *, gzip: bool = False
) -> Iterator[None]:
    """Deliver to the recorder as the destination `name` while the block runs."""
    settings = SegmentSettings(write_key="k", host=recorder.url, gzip=gzip)
    place = Segment(settings, partial(HttpClient, policy=OPEN))
    engine = DeliveryEngine(log, {name: (place, settings)}, directory / "delivery.lock")
    engine.start()
    try:
        yield
    finally:
        engine.stop()


def making(make: Callable[[int], Event]) -> Cost:
    """Return what it costs to make the calls of events, in batches, without sending them."""
    deliveries = [Delivery(n, make(n)) for n in range(MADE_EVENTS)]
    settings = SegmentSettings(write_key="k")
    watch = Stopwatch()
    for _ in cut(deliveries, settings, [DELIVERED] * len(deliveries)):
        pass
    return watch.cost(MADE_EVENTS)


def backlog(
    log: SQLiteLog, directory: Path, name: str, events: int, *, delay_s: float = 0.0, gzip: bool = False
) -> Cost:
    """Return what delivering the first `events` of the log took this process, as a destination of that name."""
    subscription = log.subscription(name)
    with recording(delay_s) as recorder:
        watch = Stopwatch()
        with delivering(log, directory, name, recorder, gzip=gzip):
            wait_until(partial(_has_delivered, subscription, events))
            cost = watch.cost(subscription.state().delivered)
        arrived = recorder.found()["events"]
    if arrived < events:
        raise SystemExit(f"of {events} events {arrived} arrived")
    return cost


def _has_delivered(subscription: Subscription, events: int) -> bool:
    return subscription.state().delivered >= events


def live(directory: Path, seconds: float) -> Sequence[float]:
    """Return how long after its commit began each event was with the recorder, at half the rate promised."""
    log = SQLiteLog(directory, LogSettings())
    with recording() as recorder, delivering(log, directory, "segment", recorder):
        count, started = 0, time.monotonic()
        while (elapsed := time.monotonic() - started) < seconds:
            data = Raw(msgspec.json.encode(DATA | {"sent_s": time.monotonic()}))
            events = [replace(event(n), data=data) for n in range(count, int(elapsed * LIVE_PER_S))]
            count += len(events)
            if events:
                append_and_wait(log, Batch(events=events))
            time.sleep(LIVE_TICK_S)
        wait_until(partial(_has_delivered, log.subscription("segment"), count))
        lags_s: list[float] = recorder.found()["lags_s"]
    log.close()
    if len(lags_s) != count:
        raise SystemExit(f"of {count} events {len(lags_s)} arrived")
    return lags_s


def run(*, events: int, live_s: float) -> Report:
    """Measure calls, backlogs and the live lag, and return the report."""
    costs = {
        "making calls alone, a client's events": making(event),
        "making calls alone, emitted events": making(emitted),
    }
    with scratch.folder() as root:
        for part in ("backlog", "live"):
            (root / part).mkdir(mode=0o700)
        log = SQLiteLog(root / "backlog", LogSettings())
        fill(log, events)
        found = [backlog(log, root, f"near{n}", events) for n in range(BACKLOGS)]
        costs["backlog, to a recorder"] = _median(found)
        costs["the same, compressed"] = backlog(log, root, "compressed", events, gzip=True)
        far = backlog(log, root, "far", events // 10, delay_s=FAR_S)
        costs[f"the same to one that answers after {FAR_S * 1e3:.0f} ms"] = far
        log.close()
        lags_s = live(root / "live", live_s)
    p50, p99, worst = (lags_s[int(share * (len(lags_s) - 1))] * 1e3 for share in (0.5, 0.99, 1))
    lags = Table(
        f"Live, at {LIVE_PER_S:,} events/s",
        ("lag", "ms"),
        [("p50", number(p50)), ("p99", number(p99)), ("longest", number(worst))],
    )
    rates = [cost.per_s for cost in found]
    checks = [
        Check(
            "segment: events per second from a backlog",
            statistics.median(rates),
            PROMISED_PER_S,
            at_least=True,
        ),
        Check("segment: live lag p99 at half load", p99, 1_000, "ms"),
    ]
    notes = [
        f"{events:,} events; {len(found)} backlogs, from {min(rates):,.0f} to {max(rates):,.0f} events/s: the median.",
        "CPU is that of the process that delivers; the recorder has another.",
    ]
    return Report("From the log to Segment", [_costs(costs), lags], checks, notes)


def _median(costs: Sequence[Cost]) -> Cost:
    return sorted(costs, key=lambda cost: cost.elapsed_s)[len(costs) // 2]


def _costs(costs: dict[str, Cost]) -> Table:
    rows = [(what, number(cost.cpu_us), f"{cost.per_s:,.0f}") for what, cost in costs.items()]
    return Table("Cost of an event", ("what", "CPU µs/event", "events/s"), rows)


if __name__ == "__main__":
    conclude(run, __doc__, events=100_000, live_s=5.0)
