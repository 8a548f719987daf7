"""Load by wrk: one thread, 64 connections, every event under an id of its own."""

import itertools
import json
import resource
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

CONNECTIONS = 64
SCRIPT = Path(__file__).with_name("post.lua")
_seeds = itertools.count(1)


class LoadError(Exception):
    """The load generator is missing or did not come to its end."""


@dataclass(frozen=True)
class Load:
    """What to send: events from a pool to a URL, `batch` in a request."""

    url: str
    pool: Path
    batch: int = 1
    headers: tuple[str, ...] = ()
    connections: int = CONNECTIONS


@dataclass(frozen=True)
class Answers:
    """What came back in one round."""

    ok: int
    failed: int
    duration_s: float
    p50_ms: float
    p99_ms: float
    p999_ms: float
    generator_cpu_s: float


def require_wrk() -> str:
    """Return where wrk is; raises LoadError with what to install where it is not."""
    found = shutil.which("wrk")
    if found is None:
        raise LoadError("wrk is not installed; the benchmarks need it to make load: apt-get install wrk")
    return found


def run(load: Load, *, seconds: float, seed: int) -> Answers:
    """Send for `seconds` and return what was answered; no two rounds of one process send the same ids."""
    command = [
        require_wrk(),
        "-t1",
        f"-c{load.connections}",
        f"-d{max(1, round(seconds))}s",
        "--timeout",
        "10s",
    ]
    for header in load.headers:
        command += ["-H", header]
    command += [
        "-s",
        str(SCRIPT),
        load.url,
        "--",
        str(load.pool),
        str(load.batch),
        str(seed * 1_000 + next(_seeds)),
    ]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    finished = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    lines = [line for line in finished.stdout.splitlines() if line.startswith("{")]
    if finished.returncode or not lines:
        raise LoadError(f"wrk against {load.url}: {finished.stdout[-500:]}{finished.stderr[-500:]}")
    told = json.loads(lines[-1])
    return Answers(
        ok=told["requests"] - told["status"],
        failed=told["status"] + told["connect"] + told["read"] + told["write"] + told["timeout"],
        duration_s=told["duration_us"] / 1e6,
        p50_ms=told["p50_us"] / 1e3,
        p99_ms=told["p99_us"] / 1e3,
        p999_ms=told["p999_us"] / 1e3,
        generator_cpu_s=after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
    )
