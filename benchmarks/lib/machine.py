"""On what the numbers were measured: without it they mean nothing."""

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

from benchmarks.lib import scratch
from benchmarks.lib.bench_venv import ROOT

PARTS = ("uvicorn", "httptools", "uvloop", "msgspec", "zstandard", "aiohttp", "django")


def describe() -> list[str]:
    """Return sentences on the processor, the system, the versions and the commit."""
    versions = ", ".join(f"{part} {metadata.version(part)}" for part in PARTS)
    return [
        f"{_processor()}, {os.cpu_count()} CPUs, {_memory_gib():.0f} GiB; Linux {platform.release()}.",
        f"Appending 4 KiB to a file and syncing it takes {scratch.sync_ms():.2f} ms here.",
        f"Python {platform.python_version()}; {versions}.",
        f"Commit {_git('rev-parse', '--short=12', 'HEAD')}{' with changes' if _changed() else ''}.",
        f"Load of the machine before the start: {os.getloadavg()[0]:.2f}.",
    ]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _git(*arguments: str) -> str:
    finished = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return finished.stdout.strip() or "unknown"


def _changed() -> bool:
    return _git("status", "--porcelain", "--untracked-files=no", "--", "src") != "unknown"
