"""Whether a long history makes events dearer: `python -m benchmarks.history --millions 10`.

One log is filled through the engine itself, in large groups; then a server on it and one on an empty log are
loaded in turn.
"""

import random
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec import Raw, json, structs

from benchmarks.lib import events, load, scratch, servers, trackside_data
from benchmarks.lib.command import conclude
from benchmarks.lib.report import Check, Report, Table, number
from benchmarks.lib.rounds import Case, Measured, measure
from trackside.config.settings import LogSettings
from trackside.event import Batch, Event
from trackside.log.base import Receipt, Unavailable
from trackside.log.sqlite import SQLiteLog

GROUP = 1_000
WAITING_GROUPS = 8
BATCH = 50


def run(*, millions: float, rounds: int, seconds: float) -> Report:
    """Fill one log, load a server on it and one on an empty log, and return the report."""
    load.require_wrk()
    seed = random.SystemRandom().randrange(1 << 20)
    with scratch.folder() as folder:
        pool = folder / "pool.jsonl"
        events.write_pool(pool, seed=seed)
        begun = time.monotonic()
        fill(folder / "long" / "data", count=int(millions * 1e6), seed=seed)
        filled_s = time.monotonic() - begun
        before = trackside_data.disk_bytes(folder / "long" / "data")
        with (
            servers.trackside(folder / "empty-single", tracking_log=False) as empty,
            servers.trackside(folder / "empty-batch", tracking_log=False) as empty_batch,
            servers.trackside(folder / "long", tracking_log=False) as long,
        ):
            cases = [Case(empty, 1), Case(long, 1), Case(empty_batch, BATCH), Case(long, BATCH)]
            found = measure(cases, pool=pool, rounds=rounds, seconds=seconds, seed=seed)
            started_s = long.started_s
    notes = [
        f"{millions:g} million events, filled in within {filled_s:,.0f} s, take {before / 1e9:.2f} GB.",
        f"The server on them gave its first 200 after {started_s:.2f} s.",
        f"{rounds} rounds of {seconds:g} s each, in turn; medians.",
    ]
    return _report([measured for measured, _ in found], notes)


def fill(data_dir: Path, *, count: int, seed: int) -> None:
    """Append `count` events, as if received since half a day, so that deduplication is full."""
    data_dir.mkdir(parents=True)
    source = random.Random(seed)
    now = datetime.now(UTC)
    models = [_as_event(call, now) for call in events.generate(events.POOL_EVENTS, seed=seed, now=now)]
    log = SQLiteLog(data_dir, LogSettings())
    slots = threading.Semaphore(WAITING_GROUPS)
    failures: list[Unavailable] = []

    def done(receipt: Receipt) -> None:
        if isinstance(receipt, Unavailable):
            failures.append(receipt)
        slots.release()

    try:
        for first in range(0, count, GROUP):
            slots.acquire()
            received_at = now - timedelta(hours=12) * (1 - first / count)
            group = [
                structs.replace(models[(first + i) % len(models)], id=_uuid(source), received_at=received_at)
                for i in range(min(GROUP, count - first))
            ]
            log.append(Batch(events=group, size_bytes=1_300 * len(group)), done)
    finally:
        log.close()
    if failures:
        raise servers.ServerError(f"filling failed: {failures[0].reason}")


def _as_event(call: dict[str, Any], now: datetime) -> Event:
    return Event(
        id="",
        name=call["event"],
        type="track",
        source="web",
        timestamp=now,
        received_at=now,
        data=Raw(json.encode(call["properties"])),
        context=Raw(json.encode(call["context"])),
        user_id=call["userId"],
        anonymous_id=call["anonymousId"],
        original_timestamp=call["timestamp"],
        sent_at=call["sentAt"],
    )


def _uuid(source: random.Random) -> str:
    digits = f"{source.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"


def _report(found: list[Measured], notes: list[str]) -> Report:
    rows = []
    ratios = []
    for batch, empty, long in ((1, found[0], found[1]), (BATCH, found[2], found[3])):
        cpu = [measured.median("cpu_us") for measured in (empty, long)]
        p99 = [measured.median("p99_ms") for measured in (empty, long)]
        ratios.append(cpu[1] / cpu[0])
        cells = [number(value) for value in (*cpu, cpu[1] / cpu[0], *p99)]
        rows.append(("single events" if batch == 1 else f"batches of {batch}", *cells))
    columns = ("load", "empty: CPU µs/event", "long: CPU µs/event", "ratio", "empty: p99 ms", "long: p99 ms")
    checks = [
        Check("single: cost on a long log ÷ on an empty one", ratios[0], 1.2),
        Check(f"batches of {BATCH}: cost on a long log ÷ on an empty one", ratios[1], 1.2),
        Check("answers other than 200", sum(measured.failed for measured in found), 0),
    ]
    return Report("History", [Table("Cost of an event", columns, rows)], checks, notes)


if __name__ == "__main__":
    conclude(run, __doc__, millions=10.0, rounds=5, seconds=5.0)
