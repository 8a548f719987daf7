"""What a filter of Open edX costs where nobody is asked: `python -m benchmarks.openedx_filters --calls 5000`.

The webfilters of the database are followed, and there are none; beside openedx-webhooks in the same environment.
"""

from benchmarks.lib import machine, scratch
from benchmarks.lib.command import conclude
from benchmarks.lib.probing import probe
from benchmarks.lib.report import Check, Report, Table, number

PROMISED_US = 40.0
NOTES = (
    "CourseEnrollmentStarted with a user, a course and a mode; openedx-filters' own work is in all lines.",
    "A step that does nothing is measured in turns with the line below it.",
)

PROBE = "benchmarks.openedx_filter_probe"


def row(what: str, cost: dict[str, float]) -> tuple[str, ...]:
    """Return a line of the table."""
    times = (number(cost[name] * 1_000) for name in ("median_ms", "p99_ms", "cpu_ms"))
    return what, *times, number(cost["queries"])


def run(*, calls: int) -> Report:
    """Measure, and return the report."""
    with scratch.folder() as folder:
        ours = probe(PROBE, "trackside", str(folder), str(calls))
    theirs = probe(PROBE, "openedx-webhooks", "", str(max(300, calls // 10)))
    costs = {
        "a step that does nothing": ours["nothing"],
        "Trackside, no webfilter": ours["call"],
        "openedx-webhooks, no webfilter": theirs["call"],
    }
    return Report(
        "Filters of Open edX",
        [
            Table(
                "One call of a filter that nobody is asked about",
                ("", "µs, p50", "µs, p99", "CPU µs", "queries"),
                [row(what, cost) for what, cost in costs.items()],
            )
        ],
        [
            Check("no webfilter, the whole call", ours["call"]["median_ms"] * 1_000, PROMISED_US, "µs"),
            Check("no webfilter, queries", ours["call"]["queries"], 0),
        ],
        (*NOTES, f"{calls} calls.", *machine.describe()),
    )


if __name__ == "__main__":
    conclude(run, __doc__, calls=5_000)
