"""What a POST to a receiver costs: python -m benchmarks.outbound [--rounds 5] [--posts 20000].

1 KB over 64 kept connections of this machine; CPU of the sending process alone. Beside Trackside's client the
library it stands on, curl's multi interface where pycurl is installed, and the bare sockets as the limit.
"""

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from benchmarks.lib.bench_venv import ROOT
from benchmarks.lib.command import conclude
from benchmarks.lib.posting import BODY, CONNECTIONS
from benchmarks.lib.report import Check, Report, Table, number

LIMIT, CURL, LIBRARY = "limit+uvloop", "pycurl", "aiohttp+uvloop"
OURS_ON_CURL, OURS = "trackside on curl+uvloop", "trackside on aiohttp+uvloop"
WITH_CURL = (CURL, OURS_ON_CURL, "trackside on curl+asyncio")
ALL = (LIMIT, *WITH_CURL, LIBRARY, OURS, "aiohttp+asyncio", "trackside on aiohttp+asyncio")
MOST_US = 200
MOST_OF_LIBRARY = 1.3
MOST_OF_CURL = 1.5
MOST_OF_OTHER = 0.5


def run(*, rounds: int, posts: int) -> Report:
    """Measure all senders in turn and return the report."""
    names = [name for name in ALL if name not in WITH_CURL or find_spec("pycurl")]
    posts = posts // CONNECTIONS * CONNECTIONS
    costs: dict[str, list[float]] = {name: [] for name in names}
    lost = 0
    with _receiver() as port:
        for _ in range(rounds):
            for name in names:
                found = _send(name, f"http://127.0.0.1:{port}/hook", posts)
                costs[name].append(found["cpu_us"])
                lost += posts - found["good"]
    medians = {name: statistics.median(each) for name, each in costs.items()}
    rows = [
        (
            name.replace("+", ", "),
            number(medians[name]),
            f"{number(min(costs[name]))} to {number(max(costs[name]))}",
            number(medians[name] / medians[LIMIT]),
            f"{1e6 / medians[name]:,.0f}",
        )
        for name in names
    ]
    table = Table("A POST", ("sender", "CPU µs", "rounds", "÷ limit", "a CPU second sends"), rows)
    checks = [
        Check("outbound: CPU per POST, uvloop", medians[OURS], MOST_US, "µs"),
        _ratio("outbound: CPU on aiohttp beside aiohttp alone", costs, OURS, LIBRARY, MOST_OF_LIBRARY),
        Check("outbound: answers other than 200", lost, 0),
    ]
    if CURL in names:
        checks += [
            _ratio("outbound: CPU on curl beside pycurl alone", costs, OURS_ON_CURL, CURL, MOST_OF_CURL),
            _ratio("outbound: CPU on curl beside that on aiohttp", costs, OURS_ON_CURL, OURS, MOST_OF_OTHER),
        ]
    notes = [
        f"{rounds} rounds of {posts:,} POSTs each, in turn; medians.",
        f"A body of {len(BODY):,} bytes over {CONNECTIONS} kept connections.",
    ]
    return Report("Sending to a receiver", [table], checks, notes)


def _ratio(name: str, costs: dict[str, list[float]], one: str, other: str, most: float) -> Check:
    ratios = [ours / theirs for ours, theirs in zip(costs[one], costs[other], strict=True)]
    return Check(name, statistics.median(ratios), most, "times")


@contextmanager
def _receiver() -> Iterator[int]:
    command = [sys.executable, "-m", "benchmarks.lib.posting", "receive"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.communicate()


def _send(name: str, url: str, posts: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.lib.posting", "send", name, url, str(posts)]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=600)
    found: dict[str, Any] = json.loads(finished.stdout)
    return found


if __name__ == "__main__":
    conclude(run, __doc__, rounds=5, posts=20_000)
