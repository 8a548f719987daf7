"""What it costs to take an event in, durably, beside baseline and limit: `python -m benchmarks.collector`.

All servers run side by side and are loaded in turn, several short rounds each, so that whatever else the
machine does falls on all of them; numbers are medians. Server CPU is user and system time of the server's
processes until it rests again, so what an event causes later (the tracking log) is counted with it.
"""

import random
import sys
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from benchmarks.lib import events, load, scratch, servers, trackside_data
from benchmarks.lib.command import conclude
from benchmarks.lib.report import Check, Report, Table, number
from benchmarks.lib.rounds import Case, Measured, Round, measure
from benchmarks.lib.servers import Server

BATCH = 50
LOG_ONLY = "trackside, log only"
CASES = (
    ("baseline", 1),
    ("limit", 1),
    ("trackside", 1),
    (LOG_ONLY, 1),
    ("limit", BATCH),
    ("trackside", BATCH),
    (LOG_ONLY, BATCH),
)
OURS = (LOG_ONLY, "trackside")
Key = tuple[str, int]


def run(*, rounds: int, seconds: float) -> Report:
    """Measure all servers and return the report."""
    load.require_wrk()
    seed = random.SystemRandom().randrange(1 << 20)
    with scratch.folder() as folder, ExitStack() as stack:
        event_bytes = events.write_pool(folder / "pool.jsonl", seed=seed)
        running = {key: stack.enter_context(_server(key, folder)) for key in CASES}
        cases = [Case(server, batch) for (_, batch), server in running.items()]
        found = measure(cases, pool=folder / "pool.jsonl", rounds=rounds, seconds=seconds, seed=seed)
        results = dict(zip(running, found, strict=True))
        lost = sum(_check_kept(key, running[key], *results[key]) for key in CASES)
        disk = {
            key: trackside_data.disk_bytes(running[key].directory / "data") for key in CASES if _is_ours(key)
        }
        sizes = {key: disk[key] / (_answered(*results[key]) * event_bytes) for key in disk}
    return _report(results, sizes, lost=lost, event_bytes=event_bytes, rounds=rounds, seconds=seconds)


def _is_ours(key: Key) -> bool:
    return key[0].startswith("trackside")


def _server(key: Key, folder: Path) -> AbstractContextManager[Server]:
    kind, batch = key
    directory = folder / f"{kind.replace(', ', '-').replace(' ', '-')}-{batch}"
    if kind == "baseline":
        return servers.baseline(directory)
    if kind == "limit":
        return servers.limit(directory)
    return servers.trackside(directory, tracking_log=kind == "trackside", name=kind)


def _answered(measured: Measured, warm_up: Round) -> int:
    return measured.events + warm_up.events


def _check_kept(key: Key, server: Server, measured: Measured, warm_up: Round) -> int:
    """Return how many events answered 200 are not kept; those kept beyond them wrk cut off at its end."""
    answered = _answered(measured, warm_up)
    in_flight = load.CONNECTIONS * key[1] * (len(measured.rounds) + 1) + 1  # one was the probe
    if key[0] == "baseline":
        kept = {"tracking.log": trackside_data.count_lines(server.directory / "tracking.log")}
    elif _is_ours(key):
        kept = {"log": trackside_data.stored_events(server.directory / "data")}
        if key[0] == "trackside":
            kept["tracking.log"] = trackside_data.count_lines(server.directory / "data" / "tracking.log")
    else:
        return 0
    for where, count in kept.items():
        if not 0 <= count - answered <= in_flight:
            print(f"{key}: {answered:,} events answered 200, {count:,} in the {where}", file=sys.stderr)
    return max(
        abs(min(count - answered, 0)) + max(count - answered - in_flight, 0) for count in kept.values()
    )


def _report(
    results: dict[Key, tuple[Measured, Round]],
    sizes: dict[Key, float],
    *,
    lost: int,
    event_bytes: float,
    rounds: int,
    seconds: float,
) -> Report:
    cpu = {key: measured.median("cpu_us") for key, (measured, _) in results.items()}
    single = _table("Single events", 1, results, cpu, sizes)
    batches = _table(f"Batches of {BATCH}", BATCH, results, cpu, sizes)
    measured = {key: value for key, (value, _) in results.items()}
    failed = sum(value.failed for value in measured.values())
    checks = [check for kind in OURS for check in _promises(kind, measured, cpu, sizes)]
    checks += [
        Check("answers other than 200", failed, 0),
        Check("events answered 200 and not kept, or kept twice", lost, 0),
    ]
    notes = [
        f"{rounds} rounds of {seconds:g} s each, in turn; medians. Events of {event_bytes:,.0f} bytes.",
        f"Load: wrk on the same machine, 1 thread, {load.CONNECTIONS} connections.",
        "CPU: all work an event leads to; in brackets up to the end of the load. “log only”: no destination.",
    ]
    return Report("Collector", [single, batches], checks, notes)


def _promises(
    kind: str, measured: dict[Key, Measured], cpu: dict[Key, float], sizes: dict[Key, float]
) -> list[Check]:
    single, batch = (kind, 1), (kind, BATCH)
    checks = [
        Check(f"{kind}, single: baseline's CPU ÷ ours", cpu["baseline", 1] / cpu[single], 25, at_least=True),
        Check(f"{kind}, single: p99 at full load", measured[single].median("p99_ms"), 25, "ms"),
        Check(f"{kind}, disk ÷ JSON: the worse of the two", max(sizes[single], sizes[batch]), 0.2),
    ]
    if (
        kind == LOG_ONLY
    ):  # these speak of taking events in; writing the tracking log has a benchmark of its own
        rate = measured[batch].median("events_per_s")
        checks += [
            Check(f"{kind}, single: our CPU ÷ the limit's", cpu[single] / cpu["limit", 1], 1.6),
            Check(f"{kind}, batches of {BATCH}: CPU per event", cpu[batch], 9, "µs"),
            Check(f"{kind}, batches of {BATCH}: events per second", rate, 100_000, at_least=True),
        ]
    return checks


def _table(
    title: str,
    batch: int,
    results: dict[Key, tuple[Measured, Round]],
    cpu: dict[Key, float],
    sizes: dict[Key, float],
) -> Table:
    columns = (
        "server",
        "CPU µs/event",
        "baseline ÷",
        "÷ limit",
        "events/s",
        "p50 ms",
        "p99 ms",
        "disk ÷ JSON",
        "busy CPUs",
    )
    rows = []
    for key, (measured, _) in results.items():
        if key[1] != batch:
            continue
        rows.append(
            (
                key[0],
                f"{number(cpu[key])} ({number(measured.median('cpu_us_loaded'))})",
                number(cpu["baseline", 1] / cpu[key]),
                number(cpu[key] / cpu["limit", batch]),
                f"{measured.median('events_per_s'):,.0f}",
                number(measured.median("p50_ms")),
                number(measured.median("p99_ms")),
                f"{sizes[key]:.3f}" if key in sizes else "",
                f"{measured.median('cpus_used'):.1f}",
            )
        )
    return Table(title, columns, rows)


if __name__ == "__main__":
    conclude(run, __doc__, rounds=5, seconds=5.0)
