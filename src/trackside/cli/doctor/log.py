"""The databases and what the log says of itself."""

import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from trackside.cli.doctor.finding import Finding, error, ok, warning
from trackside.cli.place import opened_log
from trackside.cli.printing import size_text
from trackside.config.load import Loaded
from trackside.errors import TracksideError

_CHECK_S = 20.0
"""A check of a large database is given up after this."""


def check_databases(loaded: Loaded) -> Iterator[Finding]:
    """Look into each database: can it be read, is it whole, is it in write-ahead mode."""
    for name in ("log.db", "delivery.db", "users.db"):
        path = Path(loaded.config.data_dir) / name
        if path.exists():
            yield _examine(path)


def _examine(path: Path) -> Finding:
    why = "Events, or who the users are, may be lost or unreadable."
    fix = (
        f"Stop the server, keep a copy of {path.parent}, then restore a backup, or: sqlite3 '{path}' .recover"
    )
    began = time.monotonic()
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)
        try:
            connection.set_progress_handler(lambda: int(time.monotonic() - began > _CHECK_S), 100_000)
            mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
            said = [row[0] for row in connection.execute("PRAGMA quick_check(3)")]
        finally:
            connection.close()
    except sqlite3.OperationalError as problem:
        if "interrupted" in str(problem):
            return ok(path.name, f"no fault found in {_CHECK_S:.0f} s; too large to look at all of it")
        return error(path.name, f"cannot be read: {problem}", why, fix)
    except sqlite3.DatabaseError as problem:
        return error(path.name, f"is damaged: {problem}", why, fix)
    if said != ["ok"]:
        return error(path.name, f"is damaged: {'; '.join(said)}", why, fix)
    if mode != "wal":
        return warning(
            path.name,
            f"is in journal mode {mode}",
            "Readers and writers wait for each other.",
            "Start the server once: it sets write-ahead mode.",
        )
    return ok(path.name, f"whole, write-ahead mode, {size_text(path.stat().st_size)}")


def check_log(loaded: Loaded) -> Iterator[Finding]:
    """Open the log as the server does, and look whether deduplication reaches as far back as it should."""
    if not (Path(loaded.config.data_dir) / "log.db").exists():
        return
    try:
        with opened_log(loaded) as log:
            bounds, stats = log.bounds(), log.stats()
    except TracksideError as problem:
        yield error("log", str(problem), "The server does not start with it.", "Do what the message says.")
        return
    yield ok(
        "log", f"{bounds.events:,} events, {size_text(stats.size_bytes)}; {stats.rejects:,} rejects kept"
    )
    window = timedelta(seconds=loaded.config.log.dedup_window_s)
    if stats.dedup_since is not None and stats.dedup_since > datetime.now(UTC) - window:
        reach = datetime.now(UTC) - stats.dedup_since
        yield warning(
            "deduplication",
            f"remembers {stats.dedup_ids:,} ids, the last {reach.total_seconds() / 3600:.1f} h"
            f" of the {window.total_seconds() / 3600:.1f} h wanted",
            "An event that comes again later than that is stored twice.",
            "Raise log.dedup_max_ids, or lower log.dedup_window_s.",
        )
    else:
        yield ok("deduplication", f"remembers {stats.dedup_ids:,} ids, all of the time it should")
