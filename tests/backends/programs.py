"""Small programs that emit, run as processes of their own."""

import subprocess
import sys
from pathlib import Path

from trackside.config.settings import LogSettings
from trackside.event import Event
from trackside.log.sqlite import SQLiteLog

PRELUDE = """
import os, sys, threading, time
from pathlib import Path
from trackside import tracker
from trackside.backends.log import LogBackend
backend = LogBackend(sys.argv[1])
tracker.register_tracker(tracker.Tracker(backends={"log": backend}))
emit = tracker.emit
"""


def run_program(
    text: str,
    *arguments: str | Path,
    prelude: str = PRELUDE,
    python: str = sys.executable,
    timeout_s: float = 60,
) -> "subprocess.CompletedProcess[str]":
    """Run the program to its end and return what it said."""
    return subprocess.run(
        [python, "-c", prelude + text, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def events_in(data_dir: Path) -> list[Event]:
    """Return every event in the log of this directory."""
    log = SQLiteLog(data_dir, LogSettings())
    try:
        events: list[Event] = []
        position = 0
        while (page := log.read(position)).through > position:
            events += page.events
            position = page.through
        return events
    finally:
        log.close()


def names_in(data_dir: Path) -> list[str]:
    """Return the names of all its events, in order."""
    return [event.name for event in events_in(data_dir)]
