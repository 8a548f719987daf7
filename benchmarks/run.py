"""All benchmarks in one go: `make bench`, which is `python -m benchmarks.run`.

Short by default, to see whether the promises hold; `--full` takes the time the promises speak of (10 minutes
of load, 10 million events). `--write` puts what was found into benchmarks/RESULTS.md.
"""

import argparse
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import (
    attempts,
    clients,
    collector,
    emit,
    export,
    forgetting,
    history,
    isolation,
    log_append,
    memory,
    middleware,
    openedx_filters,
    openedx_signals,
    outbound,
    outbox,
    places,
    segment_destination,
    tracker,
    tracking_log,
    webfilters,
    webhook,
    webhook_delivery,
    webhook_view,
)
from benchmarks.lib import load, machine, servers
from benchmarks.lib.bench_venv import ROOT
from benchmarks.lib.report import Check, Report, checks_table

RESULTS = Path(__file__).with_name("RESULTS.md")
ALONE = {
    "decode": "Decoding alone",
    "request_path": "A request inside the server, without sockets",
}
"""Benchmarks that promise nothing and print their own findings."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Run all benchmarks and print their findings as Markdown.")
    parser.add_argument("--full", action="store_true", help="take the time that the promises speak of")
    parser.add_argument("--write", action="store_true", help=f"write the findings to {RESULTS.name}")
    arguments = parser.parse_args()
    load.require_wrk()
    about = machine.describe()
    checks: list[Check] = []
    sections = []
    for measure in _promising(full=arguments.full):
        report = measure()
        print(report.markdown(), flush=True)
        sections.append(report.markdown())
        checks += report.checks
    for name, title in ALONE.items():
        section = f"## {title}\n\n```text\n{_output(name)}\n```\n"
        print(section, flush=True)
        sections.append(section)
    page = _page(about, checks, sections)
    if arguments.write:
        RESULTS.write_text(page, encoding="utf-8")
    print(checks_table(checks).markdown())
    return 0 if all(check.kept for check in checks) else 1


def _promising(*, full: bool) -> list[Callable[[], Report]]:
    if full:
        return [
            lambda: collector.run(rounds=7, seconds=6),
            lambda: webhook.run(rounds=5, seconds=5),
            lambda: webhook_view.run(rounds=5, seconds=5),
            lambda: clients.run(rounds=5, seconds=5),
            lambda: history.run(millions=10, rounds=5, seconds=5),
            lambda: memory.run(minutes=10),
            lambda: log_append.run(events=100_000, millions=10),
            lambda: tracking_log.run(events=500_000, live_s=30),
            lambda: forgetting.run(events=1_000_000),
            lambda: segment_destination.run(events=300_000, live_s=30),
            lambda: webhook_delivery.run(events=100_000),
            lambda: isolation.run(waiting=1_000_000, seconds=20.0),
            lambda: places.run(events=100_000),
            lambda: export.run(events=500_000, rounds=7),
            lambda: tracker.run(rounds=9),
            lambda: emit.run(rounds=5),
            lambda: middleware.run(rounds=25),
            lambda: outbox.run(rounds=5, transactions=200),
            lambda: openedx_signals.run(signals=3_000),
            lambda: openedx_filters.run(calls=10_000),
            lambda: outbound.run(rounds=7, posts=30_000),
            lambda: attempts.run(attempts=50_000, millions=10),
            lambda: webfilters.run(rounds=7, questions=2_000),
        ]
    return [
        lambda: collector.run(rounds=3, seconds=4),
        lambda: webhook.run(rounds=3, seconds=3),
        lambda: webhook_view.run(rounds=3, seconds=3),
        lambda: clients.run(rounds=3, seconds=3),
        lambda: history.run(millions=1, rounds=3, seconds=3),
        lambda: memory.run(minutes=1),
        lambda: log_append.run(events=100_000, millions=1),
        lambda: tracking_log.run(events=200_000, live_s=5),
        lambda: forgetting.run(events=100_000),
        lambda: segment_destination.run(events=100_000, live_s=5),
        lambda: webhook_delivery.run(events=30_000),
        lambda: isolation.run(waiting=200_000, seconds=5.0),
        lambda: places.run(events=20_000),
        lambda: export.run(events=100_000, rounds=3),
        lambda: tracker.run(rounds=3),
        lambda: emit.run(rounds=2),
        lambda: middleware.run(rounds=7),
        lambda: outbox.run(rounds=3, transactions=100),
        lambda: openedx_signals.run(signals=1_000),
        lambda: openedx_filters.run(calls=3_000),
        lambda: outbound.run(rounds=3, posts=10_000),
        lambda: attempts.run(attempts=30_000, millions=1),
        lambda: webfilters.run(rounds=3, questions=500),
    ]


def _output(name: str) -> str:
    finished = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if finished.returncode:
        return f"failed: {finished.stderr[-1_000:].strip()}"
    return finished.stdout.strip()


def _page(about: list[str], checks: list[Check], sections: list[str]) -> str:
    head = "# Results\n\nMade by `python -m benchmarks.run --write` on " + f"{datetime.now(UTC):%Y-%m-%d}.\n"
    facts = "\n".join(f"- {fact}" for fact in about)
    return (
        "\n\n".join([head + "\n" + facts, checks_table(checks).markdown(), *(s.rstrip() for s in sections)])
        + "\n"
    )


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (load.LoadError, servers.ServerError) as error:
        sys.exit(str(error))
