"""What a signal of Open edX costs the request that sends it: `python -m benchmarks.openedx_signals --signals 2000`.

Without a webhook and with three whose receivers take 100 ms, by itself and in a transaction, beside openedx-webhooks
in the same environment.
"""

import json
import os
import subprocess
from pathlib import Path

from benchmarks.lib import bench_venv, machine, scratch
from benchmarks.lib.bench_venv import ROOT
from benchmarks.lib.command import conclude
from benchmarks.lib.report import Check, Report, Table, number
from benchmarks.lib.webhook_receiver import receiving
from benchmarks.webhook_delivery import delivering, settings
from trackside.config.settings import Config
from trackside.log.sqlite import SQLiteLog

PROMISED_MS = 0.05
PROMISED_WITH_THREE_MS = 0.2
THEIR_CALLS = 5
THEIR_IDLE_CALLS = 300

Found = dict[str, dict[str, float]]


def probe(*arguments: str) -> Found:
    """Return what one process of the baseline's environment found."""
    finished = subprocess.run(
        [str(bench_venv.python()), "-m", "benchmarks.openedx_probe", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    if finished.returncode:
        raise SystemExit(finished.stderr)
    found: Found = json.loads(finished.stdout)
    return found


def with_three(folder: Path, url: str, case: str, signals: int) -> Found:
    """Return what a signal costs while each goes to three webhooks."""
    log = SQLiteLog(folder / "log", Config().log)
    try:
        with delivering(log, folder / "log", {f"slow{n}": settings(f"{url}/slow/100") for n in range(3)}):
            return probe("trackside", str(folder), case, str(signals))
    finally:
        log.close()


def row(what: str, found: dict[str, float], less_ms: float = 0.0) -> tuple[str, ...]:
    """Return a line of the table; `less_ms` is what the same takes without a signal."""
    median_ms = found["median_ms"] - less_ms
    return what, f"{median_ms:.3f}", f"{found['p99_ms'] - less_ms:.3f}", number(found["queries"])


def run(*, signals: int) -> Report:
    """Measure, and return the report."""
    rows: list[tuple[str, ...]] = []
    costs_ms: dict[str, float] = {}
    with receiving() as receiver:
        with scratch.folder() as folder:
            bare = probe("trackside", str(folder), "framework", str(signals))
        rows.append(row("openedx-events alone, no receiver", bare["alone"]))
        for webhooks in ("no webhook", "3 webhooks of 100 ms"):
            for case in ("outbox", "memory"):
                with scratch.folder() as folder:
                    found = (
                        probe("trackside", str(folder), case, str(signals))
                        if webhooks == "no webhook"
                        else with_three(folder, receiver.url, case, signals)
                    )
                if case == "outbox":
                    rows.append(row(f"Trackside, {webhooks}", found["alone"]))
                    costs_ms[webhooks] = found["alone"]["median_ms"]
                    costs_ms[f"{webhooks}, queries"] = found["alone"]["queries"]
                more = row(f"… in a transaction ({case})", found["row and signal"], found["row"]["median_ms"])
                costs_ms[f"{webhooks}, {case}"] = (
                    found["row and signal"]["median_ms"] - found["row"]["median_ms"]
                )
                rows.append(more)
        for count in (0, 1, 3):
            calls = THEIR_CALLS if count else THEIR_IDLE_CALLS
            theirs = probe("openedx-webhooks", f"{receiver.url}/slow/100", str(count), str(calls))
            rows.append(row(f"openedx-webhooks, {count} webhooks of 100 ms", theirs["alone"]))
            costs_ms[f"theirs {count}"] = theirs["alone"]["median_ms"]
    return Report(
        "Signals of Open edX",
        [Table("One signal, on the thread that sends it", ("", "ms, p50", "ms, p99", "queries"), rows)],
        _checks(costs_ms),
        (f"{signals} signals; in a transaction: what it takes more than without.", *machine.describe()),
    )


def _checks(ms: dict[str, float]) -> list[Check]:
    three = "3 webhooks of 100 ms"
    return [
        Check("no webhook, in total", ms["no webhook"], PROMISED_MS, "ms"),
        Check("no webhook, queries", ms["no webhook, queries"], 0),
        Check("three webhooks, in total", ms[three], PROMISED_WITH_THREE_MS, "ms"),
        Check("three webhooks, in a transaction", ms[f"{three}, outbox"], PROMISED_WITH_THREE_MS, "ms"),
        Check("three webhooks, times less than there", ms["theirs 3"] / ms[three], 100, at_least=True),
    ]


if __name__ == "__main__":
    conclude(run, __doc__, signals=2_000)
