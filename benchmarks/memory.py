"""What the server holds and needs beside events: `python -m benchmarks.memory --minutes 10`.

Resident memory under full load, whether it stays flat, CPU while nothing happens, and how long a start takes
until the first event is answered 200: on a fresh data directory and on the one the load has filled.
"""

import itertools
import random
import statistics
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.lib import events, load, proc, scratch, servers
from benchmarks.lib.command import conclude
from benchmarks.lib.report import Check, Report, Table, number
from benchmarks.lib.rounds import await_rest
from benchmarks.lib.servers import Server

MIB = 1024 * 1024
SLICE_S = 5
IDLE_S = 20.0
ROTATED_BYTES = 1 << 30
BATCH = 50
FLAT_SHARE = 1.1
"""Flat: the last third of the load does not hold more than so many times what the middle third held."""


@dataclass(frozen=True)
class Sample:
    """The memory at one moment of the load."""

    at_s: float
    rss_bytes: int


def run(*, minutes: float) -> Report:
    """Load the server, single events and batches by turns, and return the report."""
    load.require_wrk()
    seed = random.SystemRandom().randrange(1 << 20)
    with scratch.folder() as folder:
        pool = folder / "pool.jsonl"
        events.write_pool(pool, seed=seed)
        directory = folder / "trackside"
        with servers.trackside(directory) as server:
            fresh_s = server.started_s
            await_rest(server.pid)
            idle = [_idle_share(server)]
            rss_at_rest = proc.rss_bytes(server.pid)
            samples, answered = _under_load(server, pool, seconds=minutes * 60, seed=seed)
            await_rest(server.pid)
            idle.append(_idle_share(server))
        with servers.trackside(directory) as server:
            used_s = server.started_s
    return _report(samples, answered, rss_at_rest, idle, (fresh_s, used_s))


def _idle_share(server: Server) -> float:
    """Return which share of one CPU the server uses while nobody asks anything."""
    before = proc.cpu_s(server.pid)
    time.sleep(IDLE_S)
    return (proc.cpu_s(server.pid) - before) / IDLE_S


def _under_load(server: Server, pool: Path, *, seconds: float, seed: int) -> tuple[list[Sample], int]:
    """Return the memory each second of the load, and how many events were answered 200."""
    samples: list[Sample] = []
    finished = threading.Event()
    begun = time.monotonic()

    def watch() -> None:
        while not finished.wait(1):
            samples.append(Sample(time.monotonic() - begun, proc.rss_bytes(server.pid)))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    answered = 0
    try:
        for batch in itertools.cycle((1, BATCH)):
            url = server.batch_url if batch > 1 else server.single_url
            asked = load.Load(url, pool, batch, server.headers)
            answered += load.run(asked, seconds=SLICE_S, seed=seed).ok * batch
            _rotate(server.directory / "data" / "tracking.log")
            if time.monotonic() - begun >= seconds:
                break
    finally:
        finished.set()
        watcher.join()
    return samples, answered


def _rotate(path: Path) -> None:
    """Move the tracking log away as logrotate would, keeping one old file: it grows by the gigabyte."""
    if path.is_file() and path.stat().st_size > ROTATED_BYTES:
        path.replace(path.with_name("tracking.log.1"))


def _report(
    samples: list[Sample], answered: int, rss_at_rest: int, idle: list[float], started_s: tuple[float, float]
) -> Report:
    third = max(len(samples) // 3, 1)
    middle = statistics.median(sample.rss_bytes for sample in samples[third : 2 * third])
    last = statistics.median(sample.rss_bytes for sample in samples[-third:])
    most = max(sample.rss_bytes for sample in samples)
    step = max(len(samples) // 10, 1)
    rows = [(f"{sample.at_s:,.0f} s", number(sample.rss_bytes / MIB)) for sample in samples[::step]]
    table = Table(
        "Resident memory under load", ("after", "MiB"), [("at rest", number(rss_at_rest / MIB)), *rows]
    )
    checks = [
        Check("resident memory under load, most", most / MIB, 150, "MiB"),
        Check("last third of the load ÷ middle third", last / middle, FLAT_SHARE),
        Check("idle CPU, fresh", idle[0] * 100, 1, "%"),
        Check("idle CPU, after the load", idle[1] * 100, 1, "%"),
        Check("start to first 200, fresh data directory", started_s[0], 2, "s"),
        Check("start to first 200, used data directory", started_s[1], 2, "s"),
    ]
    note = f"{samples[-1].at_s / 60:.1f} minutes of load, singles and batches by turns: {answered:,} events."
    return Report("Memory, idling, starting", [table], checks, [note])


if __name__ == "__main__":
    conclude(run, __doc__, minutes=10.0)
