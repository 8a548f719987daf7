"""What Segment's webhook costs on the server's fast path, beside the baseline: `python -m benchmarks.webhook`.

The baseline is the same webhook as sites have it today: a Django view that emits through `event-tracking`, under
gunicorn. All servers get the same bytes and know the same accounts.
"""

import random
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from benchmarks.lib import events, load, scratch, servers, trackside_data
from benchmarks.lib.command import conclude
from benchmarks.lib.report import Check, Report, Table, number
from benchmarks.lib.rounds import Case, Measured, measure
from benchmarks.lib.servers import Server

LOG_ONLY = "trackside, log only"
SERVERS = ("baseline", "trackside", LOG_ONLY)
WANTED = 20


def run(*, rounds: int, seconds: float) -> Report:
    """Measure the servers side by side and return the report."""
    load.require_wrk()
    seed = random.SystemRandom().randrange(1 << 20)
    with scratch.folder() as folder, ExitStack() as stack:
        event_bytes = events.write_pool(folder / "pool.jsonl", seed=seed)
        running = {name: stack.enter_context(_server(name, folder)) for name in SERVERS}
        cases = [Case(server, 1) for server in running.values()]
        found = measure(cases, pool=folder / "pool.jsonl", rounds=rounds, seconds=seconds, seed=seed)
        results = dict(zip(running, (measured for measured, _ in found), strict=True))
        answered = {
            name: measured.events + warm_up.events
            for name, (measured, warm_up) in zip(running, found, strict=True)
        }
        lost = sum(_lost(name, running[name], answered[name], rounds) for name in SERVERS)
    return Report(
        "Segment's webhook",
        [_table(results)],
        _checks(results, lost),
        [
            f"{rounds} rounds of {seconds:g} s each, in turn; medians. Calls of {event_bytes:,.0f} bytes.",
            f"Load: wrk on the same machine, 1 thread, {load.CONNECTIONS} connections; accounts known by a table.",
        ],
    )


def _server(name: str, folder: Path) -> AbstractContextManager[Server]:
    directory = folder / name.replace(", ", "-").replace(" ", "-")
    if name == "baseline":
        return servers.baseline(directory)
    return servers.webhook(directory, tracking_log=name == "trackside", name=name)


def _lost(name: str, server: Server, answered: int, rounds: int) -> int:
    """Return how many events answered 200 are not kept, or are kept beyond those that wrk cut off."""
    if name == "baseline":
        kept = trackside_data.count_lines(server.directory / "tracking.log")
    else:
        kept = trackside_data.stored_events(server.directory / "data")
    in_flight = load.CONNECTIONS * (rounds + 1) + 1
    return abs(min(kept - answered, 0)) + max(kept - answered - in_flight, 0)


def _checks(results: dict[str, Measured], lost: int) -> list[Check]:
    cpu = {name: measured.median("cpu_us") for name, measured in results.items()}
    failed = sum(measured.failed for measured in results.values())
    return [
        *(
            Check(
                f"webhook, {name}: baseline's CPU ÷ ours", cpu["baseline"] / cpu[name], WANTED, at_least=True
            )
            for name in (LOG_ONLY, "trackside")
        ),
        Check("webhook: answers other than 200", failed, 0),
        Check("webhook: events answered 200 and not kept, or kept twice", lost, 0),
    ]


def _table(results: dict[str, Measured]) -> Table:
    baseline = results["baseline"].median("cpu_us")
    rows = [
        (
            name,
            f"{number(measured.median('cpu_us'))} ({number(measured.median('cpu_us_loaded'))})",
            number(baseline / measured.median("cpu_us")),
            f"{measured.median('events_per_s'):,.0f}",
            number(measured.median("p50_ms")),
            number(measured.median("p99_ms")),
        )
        for name, measured in results.items()
    ]
    return Table(
        "Single calls", ("server", "CPU µs/event", "baseline ÷", "events/s", "p50 ms", "p99 ms"), rows
    )


if __name__ == "__main__":
    conclude(run, __doc__, rounds=5, seconds=5.0)
