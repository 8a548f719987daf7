"""What Trackside has kept: read by its own command line and from its files."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.lib.bench_venv import ROOT


def status(data_dir: Path) -> dict[str, Any]:
    """Return what `trackside status --json` says of a data directory."""
    command = [sys.executable, "-m", "trackside", "status", "--json", "--data-dir", str(data_dir)]
    environment = {**os.environ, "TRACKSIDE_CONFIG": str(data_dir.parent / "trackside.toml")}
    finished = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=environment)
    told: dict[str, Any] = json.loads(finished.stdout)
    return told


def stored_events(data_dir: Path) -> int:
    """Return how many events the log holds."""
    return int(status(data_dir)["log"]["events"])


def disk_bytes(data_dir: Path) -> int:
    """Return what the log occupies: everything in the data directory but the tracking log."""
    files = (
        path for path in data_dir.rglob("*") if path.is_file() and not path.name.startswith("tracking.log")
    )
    return sum(path.stat().st_blocks * 512 for path in files)


def count_lines(path: Path) -> int:
    """Return how many complete lines a file has; 0 where there is no file."""
    if not path.is_file():
        return 0
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
