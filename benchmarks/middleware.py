"""What a request costs more where each is an event: Trackside's middleware beside one on `event-tracking`.

Both fill the request's context and emit the request's event through the platform's tree of backends into a
log file. They take turns, round by round; the time is CPU time, less that of the same requests without them.

Run: python -m benchmarks.middleware
"""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.lib import bench_venv, scratch
from benchmarks.lib.bench_venv import ROOT
from benchmarks.lib.command import conclude
from benchmarks.lib.report import Check, Report, Table, number
from benchmarks.middleware_probe import PATHS

REQUESTS = 3_000
PROMISED_SHARE = 1 / 3


class Probe:
    """A process that times one middleware on demand."""

    def __init__(self, process: "subprocess.Popen[str]", log: Path) -> None:
        self._process = process
        self.log = log

    def round(self) -> float:
        """Return the CPU time of a request in one more round, in µs."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise SystemExit("a middleware ended early; see above")
        return float(json.loads(answer)["us"])


@contextmanager
def probe(python: str, settings: str, middleware: str, folder: Path) -> Iterator[Probe]:
    folder.mkdir()
    environ = {**os.environ, "DJANGO_SETTINGS_MODULE": settings, "TRACKSIDE_BENCH_DIR": str(folder)}
    command = [python, "-m", "benchmarks.middleware_probe", middleware, str(REQUESTS)]
    with subprocess.Popen(
        command, cwd=ROOT, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Probe(process, folder / "tracking.log")
        assert process.stdin is not None
        process.stdin.close()


def run(*, rounds: int) -> Report:
    """Measure, and check that every request that is an event became a line."""
    with (
        scratch.folder() as place,
        probe(
            str(bench_venv.python()),
            "benchmarks.baseline.settings",
            "benchmarks.baseline.middleware.RequestContextMiddleware",
            place / "baseline",
        ) as baseline,
        probe(
            sys.executable,
            "benchmarks.middleware_settings",
            "trackside.django.middleware.TrackMiddleware",
            place / "trackside",
        ) as trackside,
    ):
        for each in (baseline, trackside):  # a warm-up
            each.round()
        found = [(baseline.round(), trackside.round()) for _ in range(rounds)]
        events = (rounds + 1) * REQUESTS * (len(PATHS) - 1) // len(PATHS) + len(PATHS) - 1
        for each in (baseline, trackside):
            lines = each.log.read_text("utf-8").count("\n")
            if lines != events:
                raise SystemExit(f"{each.log}: {lines} lines; want {events}")
    return report(found)


def report(found: Sequence[tuple[float, float]]) -> Report:
    """Return the findings: medians over the rounds, and the median of the rounds' ratios."""
    theirs, ours = (statistics.median(column) for column in zip(*found, strict=True))
    share = statistics.median(our / their for their, our in found)
    return Report(
        "A request's middleware",
        tables=(
            Table(
                "CPU time of a request, the request itself not counted",
                ("middleware", "µs", "best", "worst"),
                [
                    _row("event-tracking", theirs, [their for their, _ in found]),
                    _row("trackside", ours, [our for _, our in found]),
                ],
            ),
        ),
        checks=(Check("middleware: share of event-tracking's time", share, PROMISED_SHARE),),
        notes=(f"{len(found)} rounds of {REQUESTS:,} requests each; five of six requests are events.",),
    )


def _row(name: str, median: float, column: Sequence[float]) -> Sequence[str]:
    return (name, number(median), number(min(column)), number(max(column)))


if __name__ == "__main__":
    conclude(run, __doc__, rounds=7)
