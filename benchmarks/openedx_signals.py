"""What a signal of Open edX costs the request that sends it: `python -m benchmarks.openedx_signals --signals 2000`.

Without a webhook and with three whose receivers take 100 ms, by itself and in a transaction, beside openedx-webhooks
in the same environment.
"""

from pathlib import Path

from benchmarks.lib import machine, scratch
from benchmarks.lib.command import conclude
from benchmarks.lib.probing import Found, probe
from benchmarks.lib.report import Check, Report, Table, number
from benchmarks.lib.webhook_receiver import receiving
from benchmarks.webhook_delivery import delivering, settings
from trackside.config.settings import Config
from trackside.log.sqlite import SQLiteLog

PROMISED_MS = 0.05
PROMISED_WITH_THREE_MS = 0.2
THEIR_CALLS = 5
THEIR_IDLE_CALLS = 300
NOTES = (
    "framework: openedx-events with a receiver that does nothing, in turns with the next line; it is in all lines.",
    "For each id it makes three system calls, to find no uuidd, where Python was built with libuuid.",
    "memory (the default) and outbox are Trackside's `signals.on_commit`.",
    "Back to back; after a pause of 0 to 1 ms, in which the log's thread works, the processor's caches are cold.",
    "In a transaction: what it takes more than without a signal. The query is the outbox's INSERT, one for all.",
)

PROBE = "benchmarks.openedx_probe"


def with_three(folder: Path, url: str, case: str, signals: int) -> Found:
    """Return what a signal costs while each goes to three webhooks."""
    log = SQLiteLog(folder / "log", Config().log)
    try:
        with delivering(log, folder / "log", {f"slow{n}": settings(f"{url}/slow/100") for n in range(3)}):
            return probe(PROBE, "trackside", str(folder), case, str(signals))
    finally:
        log.close()


def more(found: Found) -> dict[str, float]:
    """Return what a transaction that writes one row takes more with a signal in it."""
    without, with_one = found["row"], found["row_and_signal"]
    p99_ms = with_one["p99_ms"] - without["median_ms"]
    return {**{name: with_one[name] - without[name] for name in with_one}, "p99_ms": p99_ms}


def ours(found: Found) -> dict[str, float]:
    """Return what a signal takes more than without us, both in turns in one process."""
    return {name: found["alone"][name] - found["framework"][name] for name in found["alone"]}


def row(what: str, cost: dict[str, float]) -> tuple[str, ...]:
    """Return a line of the table."""
    times = (f"{cost[name]:.3f}" for name in ("median_ms", "p99_ms", "cpu_ms"))
    return what, *times, number(cost["queries"])


def run(*, signals: int) -> Report:
    """Measure, and return the report."""
    costs: dict[str, dict[str, float]] = {}
    with receiving() as receiver:
        for case in ("memory", "outbox"):
            with scratch.folder() as folder:
                found = probe(PROBE, "trackside", str(folder), case, str(signals))
            costs.setdefault("framework", found["framework"])
            costs.setdefault("framework, after a pause", found["framework_paused"])
            costs[f"{case}, no webhook"] = found["alone"]
            costs[f"{case}, no webhook, ours"] = ours(found)
            costs[f"{case}, no webhook, after a pause"] = found["paused"]
            costs[f"{case}, no webhook, in a transaction"] = more(found)
        for case in ("memory", "outbox"):
            with scratch.folder() as folder:
                found = with_three(folder, receiver.url, case, signals)
            costs[f"{case}, 3 webhooks"] = found["alone"]
            costs[f"{case}, 3 webhooks, after a pause"] = found["paused"]
            costs[f"{case}, 3 webhooks, in a transaction"] = more(found)
        for count in (0, 1, 3):
            calls = THEIR_CALLS if count else THEIR_IDLE_CALLS
            theirs = probe(PROBE, "openedx-webhooks", f"{receiver.url}/slow/100", str(count), str(calls))
            costs[f"openedx-webhooks, {count} webhooks"] = theirs["alone"]
    return Report(
        "Signals of Open edX",
        [
            Table(
                "One signal, on the thread that sends it; webhooks take 100 ms",
                ("", "ms, p50", "ms, p99", "CPU ms", "queries"),
                [row(what, cost) for what, cost in costs.items()],
            )
        ],
        _checks(costs),
        (*NOTES, f"{signals} signals.", *machine.describe()),
    )


def _checks(costs: dict[str, dict[str, float]]) -> list[Check]:
    def p50(name: str) -> float:
        return costs[name]["median_ms"]

    idle, three = "memory, no webhook", "memory, 3 webhooks"
    return [
        Check("no webhook, in total", p50(idle), PROMISED_MS, "ms"),
        Check("no webhook, beside the framework", p50(f"{idle}, ours"), PROMISED_MS, "ms"),
        Check("no webhook, queries", costs[idle]["queries"], 0),
        Check("no webhook, queries in a transaction", costs[f"{idle}, in a transaction"]["queries"], 0),
        Check("three webhooks, in total", p50(three), PROMISED_WITH_THREE_MS, "ms"),
        Check(
            "three webhooks, in total, after a pause",
            p50(f"{three}, after a pause"),
            PROMISED_WITH_THREE_MS,
            "ms",
        ),
        Check(
            "three webhooks, in a transaction, kept in memory",
            p50(f"{three}, in a transaction"),
            PROMISED_WITH_THREE_MS,
            "ms",
        ),
        Check(
            "three webhooks, in a transaction, with the outbox",
            p50("outbox, 3 webhooks, in a transaction"),
            PROMISED_WITH_THREE_MS,
            "ms",
        ),
        Check(
            "three webhooks, times less than there",
            p50("openedx-webhooks, 3 webhooks") / p50(three),
            100,
            at_least=True,
        ),
    ]


if __name__ == "__main__":
    conclude(run, __doc__, signals=2_000)
