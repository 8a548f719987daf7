"""What `trackside export` costs: `python -m benchmarks.export --events 200000`.

One log, written into one synced file in each format. The limits beside it: to read the log's pages and do nothing with
them, and to write and sync lines that are made already. In turn, several rounds; of each the best counts.
"""

import resource
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.lib import scratch
from benchmarks.lib.command import conclude
from benchmarks.lib.report import Check, Report, Table, number
from benchmarks.tracking_log import Cost, Stopwatch, fill
from trackside.config.settings import LogSettings
from trackside.export.form import Form
from trackside.export.json_lines import render
from trackside.export.selection import PAGE_EVENTS, Selection
from trackside.export.sink import Sink
from trackside.export.whole_file import whole_file
from trackside.export.write import write_events
from trackside.log.base import Log
from trackside.log.sqlite import SQLiteLog

FORMS = {
    "JSON Lines": Form("jsonl"),
    "JSON Lines, zstd": Form("jsonl", "zstd"),
    "JSON Lines, gzip": Form("jsonl", "gzip"),
    "Parquet": Form("parquet"),
    "lines of the tracking log": Form("tracking-log"),
}
COMMAND = "JSON Lines, the whole command with its start"
JSON_PER_S = 100_000
GROWTH_BYTES = 400_000_000

Way = Callable[[], int]
"""Does it once; returns how many events it saw."""


def reading(log: Log, last: int) -> int:
    """Read every page."""
    after, seen = 0, 0
    while after < last:
        page = log.read(after, limit=PAGE_EVENTS)
        after, seen = page.through, seen + len(page.events)
    return seen


def writing(path: Path, lines: bytes, some: int, events: int) -> int:
    """Write `some` lines as often as it takes, and sync them."""
    with whole_file(path, replace=True) as file:
        sink = Sink(file)
        for _ in range(0, events, some):
            sink.write(lines)
    return events


def exporting(log: Log, path: Path, form: Form, last: int) -> int:
    """Write the log into a file."""
    with whole_file(path, replace=True) as file:
        return write_events(log, Selection(first=1, last=last), form, Sink(file)).events


def commanding(folder: Path) -> int:
    """Run the command, and return how many lines there are."""
    line = [sys.executable, "-m", "trackside", "export", "--data-dir", str(folder / "log")]
    path = folder / "command.jsonl"
    subprocess.run([*line, str(path), "--force"], check=True, stderr=subprocess.DEVNULL)
    with path.open("rb") as lines:
        return sum(1 for _ in lines)


def ways(log: Log, folder: Path, last: int) -> dict[str, Way]:
    """Return what is measured."""
    page = log.read(0, limit=PAGE_EVENTS)
    lines, _ = render(page.positions, page.events)
    found: dict[str, Way] = {
        "limit: reading the pages": lambda: reading(log, last),
        "limit: writing and syncing such lines": lambda: writing(
            folder / "limit", lines, len(page.events), last
        ),
    }
    for what, form in FORMS.items():
        found[what] = partial(exporting, log, folder / what.replace(" ", "-"), form, last)
    return found | {COMMAND: lambda: commanding(folder)}


def measured(way: Way, events: int) -> tuple[Cost, int]:
    """Return what it took, and how many events were missed."""
    watch = Stopwatch()
    seen = way()
    return watch.cost(events), abs(events - seen)


def run(*, events: int, rounds: int) -> Report:
    """Measure every format, and return the report."""
    costs: dict[str, list[Cost]] = {}
    missed = 0
    with scratch.folder() as folder:
        (folder / "log").mkdir(mode=0o700)
        log = SQLiteLog(folder / "log", LogSettings())
        fill(log, events)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(rounds):
            for what, way in ways(log, folder, events).items():
                cost, missing = measured(way, events)
                costs.setdefault(what, []).append(cost)
                missed += missing
        grown = 1_024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
        size = (folder / "JSON-Lines").stat().st_size
        log.close()
    return _report(costs, missed, grown, [f"{events:,} events of {size / events:,.0f} bytes as JSON Lines."])


def _report(costs: dict[str, list[Cost]], missed: int, grown: int, notes: list[str]) -> Report:
    rows = [
        (
            what,
            "" if what == COMMAND else number(min(each.cpu_us for each in found)),
            f"{max(each.per_s for each in found):,.0f}",
        )
        for what, found in costs.items()
    ]
    checks = [
        Check("export: events missing", missed, 0),
        Check(
            "export, JSON Lines: events per second",
            max(each.per_s for each in costs["JSON Lines"]),
            JSON_PER_S,
            at_least=True,
        ),
        Check("export: growth of memory", grown / 1e6, GROWTH_BYTES / 1e6, "MB"),
    ]
    table = Table("Writing the log into a file", ("what", "CPU µs/event", "events/s"), rows)
    return Report("Export", [table], checks, [*notes, "Of several rounds in turn the best."])


if __name__ == "__main__":
    conclude(run, __doc__, events=200_000, rounds=3)
