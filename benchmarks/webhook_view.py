"""What Segment's webhook costs as a view of a Django site: Trackside's beside one on `event-tracking`.

Both sites have the same middleware, the platform's tree of backends into a log file, and gunicorn with two
synchronous workers; they get the same bytes. A third emits into Trackside's log as well, and waits for it.

Run: python -m benchmarks.webhook_view
"""

import random
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from benchmarks.lib import events, load, scratch, servers, trackside_data
from benchmarks.lib.command import conclude
from benchmarks.lib.report import Check, Report, Table, number
from benchmarks.lib.rounds import Case, Measured, measure
from benchmarks.lib.servers import Server

VIEW = "trackside"
WITH_LOG = "trackside, and its log"
SERVERS = ("baseline", VIEW, WITH_LOG)
PROMISED_SHARE = 1 / 2


def run(*, rounds: int, seconds: float) -> Report:
    """Measure the sites side by side and return the report."""
    load.require_wrk()
    seed = random.SystemRandom().randrange(1 << 20)
    with scratch.folder() as folder, ExitStack() as stack:
        event_bytes = events.write_pool(folder / "pool.jsonl", seed=seed)
        running = {name: stack.enter_context(_server(name, folder)) for name in SERVERS}
        cases = [Case(server, 1) for server in running.values()]
        found = measure(cases, pool=folder / "pool.jsonl", rounds=rounds, seconds=seconds, seed=seed)
        results = dict(zip(running, (measured for measured, _ in found), strict=True))
        lost = 0
        for server, (measured, warm_up) in zip(running.values(), found, strict=True):
            lost += _lost(server, measured.events + warm_up.events, rounds)
    return Report(
        "Segment's webhook as a view",
        [_table(results)],
        _checks(results, lost),
        [
            f"{rounds} rounds of {seconds:g} s each, in turn; medians. Calls of {event_bytes:,.0f} bytes.",
            f"Load: wrk on the same machine, 1 thread, {load.CONNECTIONS} connections, each used once by gunicorn.",
        ],
    )


def _server(name: str, folder: Path) -> AbstractContextManager[Server]:
    directory = folder / name.replace(", ", "-").replace(" ", "-")
    if name == "baseline":
        return servers.baseline(directory)
    return servers.webhook_view(directory, name=name, log=name == WITH_LOG)


def _lost(server: Server, answered: int, rounds: int) -> int:
    """Return how many events answered 200 are not kept, or are kept beyond those that wrk cut off."""
    counts = [trackside_data.count_lines(server.directory / "tracking.log")]
    if server.name == WITH_LOG:
        counts.append(trackside_data.stored_events(server.directory / "data"))
    in_flight = load.CONNECTIONS * (rounds + 1)
    return sum(abs(min(kept - answered, 0)) + max(kept - answered - in_flight, 0) for kept in counts)


def _checks(results: dict[str, Measured], lost: int) -> list[Check]:
    share = results[VIEW].median("cpu_us") / results["baseline"].median("cpu_us")
    failed = sum(measured.failed for measured in results.values())
    return [
        Check("webhook as a view: share of the baseline's CPU", share, PROMISED_SHARE),
        Check("webhook as a view: answers other than 200", failed, 0),
        Check("webhook as a view: events answered 200 and not kept, or kept twice", lost, 0),
    ]


def _table(results: dict[str, Measured]) -> Table:
    baseline = results["baseline"].median("cpu_us")
    rows = [
        (
            name,
            f"{number(measured.median('cpu_us'))} ({number(measured.median('cpu_us_loaded'))})",
            number(measured.median("cpu_us") / baseline),
            f"{measured.median('events_per_s'):,.0f}",
            number(measured.median("p50_ms")),
            number(measured.median("p99_ms")),
        )
        for name, measured in results.items()
    ]
    return Table("Single calls", ("site", "CPU µs/event", "÷ baseline", "events/s", "p50 ms", "p99 ms"), rows)


if __name__ == "__main__":
    conclude(run, __doc__, rounds=5, seconds=5.0)
