"""What it costs to find and erase a person: `python -m benchmarks.forgetting --events 200000`.

A log of which a thousandth is the person's, looked through beside the plain reading of the same log: chunks in which
nothing can be hers are not decoded.
"""

import time
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from benchmarks.lib import machine, scratch
from benchmarks.lib.command import conclude
from benchmarks.lib.report import Check, Report, Table, number
from benchmarks.tracking_log import event
from trackside.config.settings import LogSettings
from trackside.event import Batch
from trackside.forgetting import forget
from trackside.log.base import append_and_wait
from trackside.log.person import Finder, Person
from trackside.log.sqlite import SQLiteLog

BATCH = 500
EVERY = 1_000
"""One event in so many is the person's."""
ROUNDS = 5
PERSON = Person(user_ids=frozenset({"20260101"}), usernames=frozenset({"lovelace"}))
NEIGHBOURS = 10
"""They come together, as somebody's do who is at work."""


def fill(log: SQLiteLog, events: int) -> int:
    """Append events; return how many are the person's."""
    hers = 0
    for start in range(0, events, BATCH):
        numbers = range(start, start + BATCH)
        made = [event(n) for n in numbers]
        for at, n in enumerate(numbers):
            if n % (EVERY * NEIGHBOURS) < NEIGHBOURS:
                made[at] = replace(made[at], user_id="20260101")
                hers += 1
        append_and_wait(log, Batch(events=made, size_bytes=1_000 * BATCH))
    return hers


def read(log: SQLiteLog) -> None:
    """Read the whole log, as a destination does."""
    after = 0
    while (page := log.read(after, limit=BATCH)).through > after:
        after = page.through


def find(log: SQLiteLog) -> int:
    """Look through the whole log; return how many events are the person's."""
    finder, after, count = Finder(PERSON), 0, 0
    while (page := log.find_of(finder, after)).through > after:
        after = page.through
        count += len(page.events)
    return count


def cpu_s(call: Callable[[], object]) -> float:
    """Return the CPU time of one call."""
    began = time.process_time()
    call()
    return time.process_time() - began


def run(*, events: int) -> Report:
    """Measure, and return the report."""
    with scratch.folder() as folder:
        log = SQLiteLog(Path(folder), LogSettings())
        try:
            hers = fill(log, events)
            rounds = [(cpu_s(lambda: read(log)), cpu_s(lambda: find(log))) for _ in range(ROUNDS)]
            reading_s, finding_s = (min(each) for each in zip(*rounds, strict=True))
            began = time.perf_counter()
            found = forget(PERSON, log)
            forgetting_s = time.perf_counter() - began
            left = find(log)
        finally:
            log.close()
    return Report(
        "Forgetting a person",
        [
            Table(
                f"{events:,} events, of which {hers:,} are the person's",
                ("", "s", "events/s"),
                [
                    ("reading all, CPU", f"{reading_s:.3f}", number(events / reading_s)),
                    ("looking through all, CPU", f"{finding_s:.3f}", number(events / finding_s)),
                    ("forgetting, files scrubbed", f"{forgetting_s:.3f}", number(events / forgetting_s)),
                ],
            )
        ],
        [
            Check("looking through ÷ reading", finding_s / reading_s, 1.0),
            Check("events of the person that are left", left + hers - found.events, 0),
        ],
        (f"The best of {ROUNDS} rounds.", *machine.describe()),
    )


if __name__ == "__main__":
    conclude(run, __doc__, events=200_000)
