"""Rounds of load on several servers in turn, each accounted until the server rests again."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.lib import load, proc
from benchmarks.lib.servers import Server

RESTING_SHARE = 0.03
"""A server that uses less than this share of a CPU has nothing left to do."""


@dataclass(frozen=True)
class Case:
    """A server under one kind of load."""

    server: Server
    batch: int
    pool: Path | None = None
    """What is sent to it, where that is not the same as to all others."""


@dataclass(frozen=True)
class Round:
    """What one round cost and gave."""

    events: int
    failed: int
    events_per_s: float
    cpu_us: float
    """Server CPU per event, everything an event leads to included."""
    cpu_us_loaded: float
    """The same up to the moment the load ended."""
    p50_ms: float
    p99_ms: float
    cpus_used: float
    """How many CPUs the machine was working with while the load ran."""


@dataclass(frozen=True)
class Measured:
    """The rounds of one case, each number the median of them."""

    rounds: Sequence[Round]

    def median(self, field: str) -> float:
        """Return the median of one number of the rounds."""
        return float(statistics.median(getattr(each, field) for each in self.rounds))

    @property
    def events(self) -> int:
        """How many events were answered 200 in all rounds, the first short one included."""
        return sum(each.events for each in self.rounds)

    @property
    def failed(self) -> int:
        """How many requests failed or were answered otherwise."""
        return sum(each.failed for each in self.rounds)


def measure(
    cases: Sequence[Case], *, pool: Path, rounds: int, seconds: float, seed: int
) -> list[tuple[Measured, Round]]:
    """Return for each case its rounds and the warm-up before them; the cases take turns within each round."""
    warm_ups = [one_round(case, pool=pool, seconds=1, seed=seed) for case in cases]
    collected: list[list[Round]] = [[] for _ in cases]
    for _ in range(rounds):
        for case, into in zip(cases, collected, strict=True):
            into.append(one_round(case, pool=pool, seconds=seconds, seed=seed))
    return [(Measured(each), warm_up) for each, warm_up in zip(collected, warm_ups, strict=True)]


def one_round(case: Case, *, pool: Path, seconds: float, seed: int) -> Round:
    """Run one round and return what it cost, once the server rests again."""
    server = case.server
    url = server.batch_url if case.batch > 1 else server.single_url
    cpu_before, host_before = proc.cpu_s(server.pid), proc.host_busy_s()
    answers = load.run(
        load.Load(url, case.pool or pool, case.batch, server.headers), seconds=seconds, seed=seed
    )
    cpu_loaded, host_loaded = proc.cpu_s(server.pid), proc.host_busy_s()
    await_rest(server.pid)
    events = answers.ok * case.batch
    return Round(
        events=events,
        failed=answers.failed,
        events_per_s=events / answers.duration_s,
        cpu_us=(proc.cpu_s(server.pid) - cpu_before) / max(events, 1) * 1e6,
        cpu_us_loaded=(cpu_loaded - cpu_before) / max(events, 1) * 1e6,
        p50_ms=answers.p50_ms,
        p99_ms=answers.p99_ms,
        cpus_used=(host_loaded - host_before) / answers.duration_s,
    )


def await_rest(pid: int, *, timeout_s: float = 120.0, interval_s: float = 0.4) -> None:
    """Return once the server has used next to no CPU for a moment; TimeoutError where it never does."""
    deadline = time.monotonic() + timeout_s
    last = proc.cpu_s(pid)
    while time.monotonic() < deadline:
        time.sleep(interval_s)
        now = proc.cpu_s(pid)
        if now - last <= RESTING_SHARE * interval_s:
            return
        last = now
    raise TimeoutError(f"process {pid} was still working {timeout_s:g} s after the load ended")
