"""A folder for a run's databases and logs, on the same disk as the checkout and gone afterwards.

The system's folder for temporary files is often in memory, where syncing costs nothing.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.lib.bench_venv import ROOT


@contextmanager
def folder() -> Iterator[Path]:
    """Make the folder, and remove it with everything in it at the end."""
    parent = ROOT / "build"
    parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=parent) as name:
        yield Path(name)


def sync_ms(count: int = 200) -> float:
    """Return the median time of appending 4 KiB to a file there and syncing it."""
    times = []
    with folder() as place, (place / "probe").open("wb", buffering=0) as file:
        for _ in range(count):
            begun = time.perf_counter()
            file.write(bytes(4_096))
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - begun) * 1e3)
    return statistics.median(times)
