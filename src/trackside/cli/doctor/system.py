"""The machine: Python, SQLite, the clock."""

import platform
import sqlite3
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from trackside.cli.doctor.finding import Finding, error, ok, warning
from trackside.config.load import Loaded

OLDEST_PYTHON = (3, 11)
OLDEST_SQLITE = (3, 35, 0)
"""RETURNING, and the fixes of WAL mode before it."""
_CLOCK_S = 0.2
_DRIFT_S = 0.05


def check_python(loaded: Loaded) -> Iterator[Finding]:  # noqa: ARG001
    """Look at the version of Python."""
    what = f"Python {platform.python_version()} ({platform.python_implementation()})"
    if sys.version_info[:2] < OLDEST_PYTHON:
        yield error(
            "python",
            what,
            "Trackside needs 3.11 or newer.",
            "Install Python 3.11 or newer and make the venv again.",
        )
    else:
        yield ok("python", what)


def check_sqlite(loaded: Loaded) -> Iterator[Finding]:  # noqa: ARG001
    """Look at the version of SQLite, and whether it may be used from several threads."""
    what = f"SQLite {sqlite3.sqlite_version}, thread safety {sqlite3.threadsafety}"
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        yield error(
            "sqlite", what, "The log needs 3.35 or newer.", "Use a Python that is built with a newer SQLite."
        )
    elif sqlite3.threadsafety == 0:
        yield error(
            "sqlite",
            what,
            "The log is used from several threads.",
            "Use a Python whose SQLite is thread-safe.",
        )
    else:
        yield ok("sqlite", what)


def check_clock(loaded: Loaded) -> Iterator[Finding]:
    """Look whether the clock runs evenly, shows a year that can be, and is not behind what was written."""
    now, began, ran = time.time(), time.monotonic(), 0.0
    while ran < _CLOCK_S:
        time.sleep(_CLOCK_S - ran)
        ran = time.monotonic() - began
    drift = time.time() - now - ran
    moment = datetime.fromtimestamp(now, UTC)
    why = "Events get their time from it, and retention and deduplication count by it."
    fix = "Set the clock and keep it right: timedatectl set-ntp true, or chrony."
    newest = max((path.stat().st_mtime for path in Path(loaded.config.data_dir).glob("*.db*")), default=0.0)
    if not 2026 <= moment.year < 2100:
        yield error("clock", f"the clock says {moment:%Y-%m-%d %H:%M} UTC", why, fix)
    elif newest - now > 60:
        written = datetime.fromtimestamp(newest, UTC)
        yield error(
            "clock", f"the clock is behind the log, last written {written:%Y-%m-%d %H:%M} UTC", why, fix
        )
    elif abs(drift) > _DRIFT_S:
        yield warning("clock", f"the clock jumped by {drift * 1000:.0f} ms while it was watched", why, fix)
    else:
        yield ok("clock", f"{moment:%Y-%m-%d %H:%M:%S} UTC, running evenly")
