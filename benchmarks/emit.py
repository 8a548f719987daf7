"""What an emit to the log costs its caller, and how soon it is durable: python -m benchmarks.emit [--rounds 5].

Beside `event-tracking` in the LMS's default configuration, in the same run, with the same events.
"""

import gc
import itertools
import statistics
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.baseline.emitting import BURST, EVENTS, REQUEST
from benchmarks.lib import machine, scratch
from benchmarks.lib.command import conclude
from benchmarks.lib.report import Check, Report, Table, number
from benchmarks.tracker import PEER
from benchmarks.tracker import _running as running
from trackside.backends.log import LogBackend
from trackside.telemetry import catalogue
from trackside.tracker import Tracker

EMITS = 4_000
THREADS = 16
SECONDS = 1.5
DURABLE_EMITS = 300


class Emitting:
    """A tracker whose events go to a log of its own."""

    def __init__(self, folder: Path) -> None:
        self.backend = LogBackend(folder)
        self.tracker = Tracker(backends={"log": self.backend})
        self.tracker.emit("first", {}, durable=True)

    def cost_us(self) -> float:
        """Return the µs of CPU of one emit on its thread: the mean over kinds of events of the median burst."""
        medians = []
        emit = self.tracker.emit
        gc.collect()
        for name, data, context in EVENTS:
            with ExitStack() as stack:
                _enter(stack, self.tracker, context)
                bursts = []
                for _ in range(EMITS // len(EVENTS) // BURST):
                    started = time.thread_time_ns()
                    for _ in range(BURST):
                        emit(name, data)
                    bursts.append((time.thread_time_ns() - started) / BURST / 1e3)
                medians.append(statistics.median(bursts))
            self.backend.flush(20)
        return statistics.mean(medians)

    def threads(self, count: int) -> dict[str, float]:
        """Return what so many threads together emitted and made durable a second, and how long single emits took."""
        took: list[list[int]] = [[] for _ in range(count)]
        start = threading.Barrier(count + 1)
        until = time.perf_counter() + SECONDS + 0.1

        def emit_on(mine: list[int]) -> None:
            clock, emit = time.perf_counter_ns, self.tracker.emit
            with ExitStack() as stack:
                _enter(stack, self.tracker, EVENTS[0][2])
                start.wait()
                for name, data, _ in itertools.cycle(EVENTS):
                    before = clock()
                    emit(name, data)
                    mine.append(clock() - before)
                    if before > until * 1e9:
                        return

        threads = [threading.Thread(target=emit_on, args=(mine,)) for mine in took]
        for thread in threads:
            thread.start()
        stored, lost = self.backend.log.bounds().last, _lost()
        gc.collect()
        start.wait()
        began = time.perf_counter()
        for thread in threads:
            thread.join()
        emitting_s = time.perf_counter() - began
        self.backend.flush(60)
        durable_s = time.perf_counter() - began
        durations = sorted(itertools.chain.from_iterable(took))
        return {
            "per_s": len(durations) / emitting_s,
            "durable_per_s": (self.backend.log.bounds().last - stored) / durable_s,
            "p50_us": durations[len(durations) // 2] / 1e3,
            "p99_us": durations[len(durations) * 99 // 100] / 1e3,
            "max_ms": durations[-1] / 1e6,
            "lost": _lost() - lost,
        }

    def durable_ms(self, *, waiting: bool) -> list[float]:
        """Return how long single emits took to become durable, with somebody `waiting` for that or not."""
        found = []
        log = self.backend.log
        for name, data, _ in itertools.islice(itertools.cycle(EVENTS), DURABLE_EMITS):
            last = log.bounds().last
            began = time.perf_counter()
            self.tracker.emit(name, data, durable=waiting)
            log.wait(last, 5)
            found.append((time.perf_counter() - began) * 1e3)
            time.sleep(0.003)
        return sorted(found)


def _lost() -> float:
    return sum(catalogue.BACKEND_DROPPED.values().values())


def _enter(stack: ExitStack, tracker: Tracker, context: dict[str, Any]) -> None:
    stack.enter_context(tracker.context("request", REQUEST))
    stack.enter_context(tracker.context("event", context))


def run(rounds: int) -> Report:
    """Return the report of `rounds` rounds, in each of which both libraries take turns."""
    theirs, ours, found = [], [], {1: [], THREADS: []}
    with scratch.folder() as folder, tempfile.TemporaryDirectory() as logs, running(PEER, Path(logs)) as peer:
        emitting = Emitting(folder)
        for round_ in range(rounds + 1):
            their, our = peer.ask("cost", tracker="lms", count=EMITS)["us"], emitting.cost_us()
            threads = {count: emitting.threads(count) for count in found}
            if round_:  # the first is the warm-up
                theirs.append(their)
                ours.append(our)
                for count, each in threads.items():
                    found[count].append(each)
        alone, waited = emitting.durable_ms(waiting=False), emitting.durable_ms(waiting=True)
    medians = {
        count: {field: statistics.median(each[field] for each in every) for field in every[0]}
        for count, every in found.items()
    }
    return Report(
        "An emit to the log",
        [_costs(theirs, ours), _threads(medians), _durations(alone, waited)],
        _checks(theirs, ours, medians, alone),
        [
            f"Median of {rounds} rounds of {EMITS:,} emits and {SECONDS:g} s with threads.",
            "Threads emit without a pause, which no application does: they share one interpreter with the writer.",
            *machine.describe(),
        ],
    )


def _checks(
    theirs: list[float], ours: list[float], threads: dict[int, dict[str, float]], alone: list[float]
) -> list[Check]:
    one, many = threads[1], threads[THREADS]
    durable_per_s = max(one["durable_per_s"], many["durable_per_s"])
    return [
        Check(
            "emit, share of event-tracking's LMS default",
            statistics.median(ours) / statistics.median(theirs),
            1 / 25,
        ),
        Check("durable after emit, p99", alone[len(alone) * 99 // 100], 10, "ms"),
        Check(f"emits of {THREADS} threads / of one", many["per_s"] / one["per_s"], 0.9, at_least=True),
        Check(f"p99 of an emit with {THREADS} threads", many["p99_us"] / 1e3, 1, "ms"),
        Check("emit, CPU of the calling thread", statistics.median(ours), 4.7, "µs"),
        Check("durable emits a second", durable_per_s, 100_000, at_least=True),
        Check("events lost", one["lost"] + many["lost"], 0),
    ]


def _costs(theirs: list[float], ours: list[float]) -> Table:
    rows = [
        ("event-tracking, LMS default", number(statistics.median(theirs))),
        ("Trackside, to the log", number(statistics.median(ours))),
    ]
    return Table("µs of CPU of one emit on its thread", ("", "µs"), rows)


def _threads(medians: dict[int, dict[str, float]]) -> Table:
    fields = ("per_s", "durable_per_s", "p50_us", "p99_us", "max_ms")
    rows = [(str(count), *(number(each[field]) for field in fields)) for count, each in medians.items()]
    return Table("Threads", ("threads", "emits/s", "durable/s", "p50 µs", "p99 µs", "max ms"), rows)


def _durations(alone: list[float], waited: list[float]) -> Table:
    rows = [
        (name, *(number(each[int(len(each) * share)]) for share in (0.5, 0.99, 0.999)))
        for name, each in (("emit", alone), ("emit(durable=True)", waited))
    ]
    return Table("Durable after, ms", ("", "p50", "p99", "p99.9"), rows)


if __name__ == "__main__":
    conclude(run, __doc__, rounds=3)
