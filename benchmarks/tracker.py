"""What one emit costs beside `event-tracking`, in the same run: python -m benchmarks.tracker [--rounds 9]."""

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.lib import bench_venv, machine
from benchmarks.lib.command import conclude
from benchmarks.lib.report import Check, Report, Table, number

PEER, OURS = "eventtracking", "trackside"
WAYS = {
    "plain": "plain tracker, one backend that does nothing",
    "lms": "LMS default: two routers, file logger",
}
PROMISED = {"plain": 1 / 3, "lms": 1 / 5}
EMITS = 4_000
THREADS = 16
THREADS_S = 1.0


class Library:
    """A process that emits through one of the libraries."""

    def __init__(self, name: str, process: "subprocess.Popen[str]", log_file: Path) -> None:
        self.name = name
        self.log_file = log_file
        self._process = process

    def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Let it do something and return what it says of that."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps({"do": do, **arguments}), file=self._process.stdin, flush=True)
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


def run(rounds: int) -> Report:
    """Return the report of `rounds` rounds, in each of which both libraries take turns."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        peer, ours = (stack.enter_context(_running(name, Path(folder))) for name in (PEER, OURS))
        lines = _compare_lines(peer, ours)
        costs = {(way, each): _Rounds() for way in WAYS for each in (peer.name, ours.name)}
        threads = {(way, each, n): _Rounds() for way in WAYS for each in (PEER, OURS) for n in (1, THREADS)}
        for number_ in range(rounds + 1):
            for way in WAYS:
                for library in (peer, ours):
                    cost = library.ask("cost", tracker=way, count=EMITS)
                    found = [
                        library.ask("threads", tracker=way, threads=n, seconds=THREADS_S)
                        for n in (1, THREADS)
                    ]
                    if number_:  # the first is the warm-up
                        costs[way, library.name].add(cost)
                        for n, each in zip((1, THREADS), found, strict=True):
                            threads[way, library.name, n].add(each)
    checks = [
        *(
            Check(
                f"{title}: share of event-tracking's time",
                costs[way, OURS].lowest("us") / costs[way, PEER].lowest("us"),
                PROMISED[way],
            )
            for way, title in WAYS.items()
        ),
        Check("LMS default: log lines that differ in a field", float(lines), 0),
        *_thread_checks(threads),
    ]
    return Report("One emit", [_cost_table(costs), _thread_table(threads)], checks, _notes(rounds))


def _thread_checks(threads: dict[tuple[str, str, int], "_Rounds"]) -> Iterator[Check]:
    for way, title in WAYS.items():
        one, many = (threads[way, OURS, n] for n in (1, THREADS))
        share = many.median_share(one, "per_s")
        yield Check(f"{title}: throughput of {THREADS} threads / one thread", share, 0.9, at_least=True)
        yield Check(f"{title}: p99 with {THREADS} threads", many.median("p99_us") / 1e3, 1, "ms")


class _Rounds:
    """What several rounds found."""

    def __init__(self) -> None:
        self._found: list[dict[str, float]] = []

    def add(self, found: dict[str, float]) -> None:
        self._found.append(found)

    def median(self, what: str) -> float:
        return float(statistics.median(each[what] for each in self._found))

    def lowest(self, what: str) -> float:
        """Return what it was when others on the machine disturbed least."""
        return min(each[what] for each in self._found)

    def median_share(self, of: "_Rounds", what: str) -> float:
        pairs = zip(
            self._found, of._found, strict=True
        )  # neighbours in time, so that a busy machine slows both
        return float(statistics.median(mine[what] / theirs[what] for mine, theirs in pairs))


def _cost_table(costs: dict[tuple[str, str], _Rounds]) -> Table:
    rows = []
    for way, title in WAYS.items():
        theirs, ours = (costs[way, name].lowest("us") for name in (PEER, OURS))
        rows.append((title, number(theirs), number(ours), f"1/{theirs / ours:.1f}"))
    return Table("µs of CPU of one emit on its thread", ("", "event-tracking", "Trackside", "share"), rows)


def _thread_table(threads: dict[tuple[str, str, int], _Rounds]) -> Table:
    fields = ("per_s", "p50_us", "p99_us", "max_us")
    rows = [
        (f"{WAYS[way]}; {name}, {n} threads", *(number(found.median(field)) for field in fields))
        for (way, name, n), found in threads.items()
    ]
    return Table("Threads", ("", "emits/s", "p50 µs", "p99 µs", "max µs"), rows)


def _compare_lines(peer: Library, ours: Library) -> int:
    """Return how many lines of one library are not, field by field, those of the other."""
    for library in (peer, ours):
        library.ask("lines")
    theirs, mine = ([json.loads(line) for line in each.log_file.open()] for each in (peer, ours))
    if len(theirs) != len(mine) or not mine:
        raise SystemExit(f"{len(theirs)} and {len(mine)} lines in the log files")
    return sum(a != b or list(a) != list(b) for a, b in zip(theirs, mine, strict=True))


@contextmanager
def _running(name: str, folder: Path) -> Iterator[Library]:
    interpreter = bench_venv.python() if name == PEER else Path(sys.executable)
    log_file = folder / f"{name}.log"
    command = [str(interpreter), "-m", "benchmarks.baseline.emitting", name, str(log_file)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=bench_venv.ROOT
    ) as process:
        yield Library(name, process, log_file)
        assert process.stdin is not None
        process.stdin.close()


def _notes(rounds: int) -> list[str]:
    return [
        f"Cost: the cheapest of {rounds} rounds of {EMITS:,} emits. The libraries take turns in every round.",
        f"Threads: the median of {rounds} rounds of {THREADS_S:g} s.",
        "Events of about 1.2 KB as lines: a checked problem, a clicked link, a mobile video, a grade.",
        *machine.describe(),
    ]


if __name__ == "__main__":
    conclude(run, __doc__, rounds=5)
