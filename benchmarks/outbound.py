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

OURS, LIBRARY, LIMIT, CURL = "trackside+uvloop", "aiohttp+uvloop", "limit+uvloop", "pycurl"
ALL = (LIMIT, OURS, LIBRARY, "trackside+asyncio", "aiohttp+asyncio", CURL)
MOST_US = 200
MOST_OF_LIBRARY = 1.3


def run(*, rounds: int, posts: int) -> Report:
    """Measure all senders in turn and return the report."""
    names = [name for name in ALL if name != CURL or find_spec("pycurl")]
    posts = posts // CONNECTIONS * CONNECTIONS
    costs: dict[str, list[float]] = {name: [] for name in names}
    ratios: list[float] = []
    lost = 0
    with _receiver() as port:
        for _ in range(rounds):
            for name in names:
                found = _send(name, f"http://127.0.0.1:{port}/hook", posts)
                costs[name].append(found["cpu_us"])
                lost += posts - found["good"]
            ratios.append(costs[OURS][-1] / costs[LIBRARY][-1])
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
        Check("outbound: CPU beside the library alone", statistics.median(ratios), MOST_OF_LIBRARY, "times"),
        Check("outbound: answers other than 200", lost, 0),
    ]
    notes = [
        f"{rounds} rounds of {posts:,} POSTs each, in turn; medians.",
        f"A body of {len(BODY):,} bytes over {CONNECTIONS} kept connections.",
    ]
    return Report("Sending to a receiver", [table], checks, notes)


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
