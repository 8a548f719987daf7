"""What several processes counted, as one: each leaves its numbers in a file, whoever is asked adds them up.

A process holds a lock on a file of its own for as long as it lives, which tells a living one from a dead one
also where process ids are reused or come from several containers. The counters of the dead are moved into one
file (`metrics.json`), so that no sum ever goes backwards. Killed without warning, a process loses what it
counted since its last file: about a second.
"""

import contextlib
import fcntl
import os
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from trackside.telemetry.catalogue import PROCESSES
from trackside.telemetry.metrics import Counter, Gauge, Histogram, Labels, declared_metrics, reset

Values = dict[str, list[tuple[Labels, list[float]]]]
"""By metric: label values and numbers, which are one for a counter or a gauge, a series for a histogram."""


class Snapshot(Struct, frozen=True, kw_only=True):
    """What one process, or all dead ones together, counted."""

    at: float
    """Seconds since the epoch."""
    grown: Values = {}
    """Counters and histograms: they only grow, and survive their process."""
    gauges: Values = {}
    absorbed: tuple[str, ...] = ()
    """Dead processes whose counters are in here and whose files may be there still."""


class _Process:
    """The two files of the running process; made anew in a forked child."""

    def __init__(self) -> None:
        self.name = f"metrics-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self.lock: int | None = None
        self.guard = threading.Lock()


_process = _Process()


def _after_fork() -> None:
    global _process  # noqa: PLW0603  # a child is another process: the parent reports what was counted so far
    if _process.lock is not None:
        os.close(_process.lock)
    _process = _Process()
    reset()


os.register_at_fork(after_in_child=_after_fork)


def snapshot() -> Snapshot:
    """Return what this process counted so far."""
    PROCESSES.set(1)
    grown: Values = {}
    gauges: Values = {}
    for metric in declared_metrics():
        match metric:
            case Counter():
                grown[metric.name] = [(labels, [value]) for labels, value in metric.values().items()]
            case Gauge():
                gauges[metric.name] = [(labels, [value]) for labels, value in metric.values().items()]
            case Histogram():
                grown[metric.name] = list(metric.series().items())
    return Snapshot(
        at=time.time(),
        grown={name: series for name, series in grown.items() if series},
        gauges={name: series for name, series in gauges.items() if series},
    )


def write_snapshot(directory: Path) -> bool:
    """Leave this process's numbers in `directory` (made if missing), for `collect` in any process.

    Call it about every second, and once more before the process ends. Returns False where nothing can be
    written now (the disk is full): numbers are never a reason to stop.
    """
    with _process.guard, contextlib.suppress(OSError):
        if _process.lock is None:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _locked(directory / "metrics.lock"):  # or `collect` takes the new file for a dead process's
                lock = os.open(
                    directory / f"{_process.name}.lock", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600
                )
                fcntl.flock(lock, fcntl.LOCK_EX)
            _process.lock = lock
        _write(directory / f"{_process.name}.json", snapshot())
        return True
    return False


def collect(directory: Path) -> list[Snapshot]:
    """Return the numbers of this process as of now, of each other living one, and of the dead together."""
    others: list[Snapshot] = []
    if directory.is_dir():
        with contextlib.suppress(OSError), _locked(directory / "metrics.lock"):
            others = _others(directory)
    return [*others, snapshot()]  # its own last: what was set for whoever asks is the latest


def _others(directory: Path) -> list[Snapshot]:
    past = _read(directory / "metrics.json") or Snapshot(at=0.0)
    told: list[Snapshot] = []
    dead: dict[Path, Snapshot | None] = {}
    for path in sorted(directory.glob("metrics-*.json")):
        if path.stem == _process.name:
            continue
        found = _read(path)
        if not _is_alive(path.with_suffix(".lock")):
            dead[path] = found
        elif found is not None:
            told.append(found)
    try:
        past = _absorb(directory, past, dead)
    except OSError:  # the disk is full: the dead are told from their own files until it is not
        told += [found for path, found in dead.items() if found and path.stem not in past.absorbed]
    return [past, *told]


def _absorb(directory: Path, past: Snapshot, dead: dict[Path, Snapshot | None]) -> Snapshot:
    """Keep the counters of the dead for good and remove their files. Killed in between, nothing counts twice."""
    new = {path.stem: found for path, found in dead.items() if found and path.stem not in past.absorbed}
    if new:
        total = merge([past, *new.values()])
        past = Snapshot(at=0.0, grown=total.grown, absorbed=(*past.absorbed, *new))
        _write(directory / "metrics.json", past)
    for path in dead:
        path.unlink(missing_ok=True)
    for lock in directory.glob("metrics-*.lock"):
        if lock.stem != _process.name and not lock.with_suffix(".json").exists() and not _is_alive(lock):
            lock.with_suffix(".tmp").unlink(missing_ok=True)
            lock.unlink(missing_ok=True)
    if past.absorbed:
        past = Snapshot(at=0.0, grown=past.grown)
        _write(directory / "metrics.json", past)
    return past


def merge(snapshots: list[Snapshot]) -> Snapshot:
    """Return the sum of `snapshots`; a gauge declared `latest` has the newest value set."""
    grown: dict[str, dict[Labels, list[float]]] = {}
    gauges: dict[str, dict[Labels, list[float]]] = {}
    latest = {
        metric.name for metric in declared_metrics() if isinstance(metric, Gauge) and metric.merge == "latest"
    }
    for each in sorted(snapshots, key=lambda each: each.at):
        for name, series in each.grown.items():
            _add(grown.setdefault(name, {}), series)
        for name, series in each.gauges.items():
            if name in latest:
                gauges.setdefault(name, {}).update(series)
            else:
                _add(gauges.setdefault(name, {}), series)
    return Snapshot(
        at=max((each.at for each in snapshots), default=0.0),
        grown={name: list(series.items()) for name, series in grown.items()},
        gauges={name: list(series.items()) for name, series in gauges.items()},
    )


def _add(total: dict[Labels, list[float]], series: list[tuple[Labels, list[float]]]) -> None:
    for labels, numbers in series:
        known = total.get(labels)
        if known is None or len(known) != len(numbers):  # another release counted in other ranges
            total[labels] = list(numbers)
        else:
            total[labels] = [a + b for a, b in zip(known, numbers, strict=True)]


def _is_alive(lock: Path) -> bool:
    try:
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def _read(path: Path) -> Snapshot | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Snapshot)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None


def _write(path: Path, content: Snapshot) -> None:
    temporary = path.with_suffix(".tmp")  # only one process writes `path`: its own, or under the lock
    temporary.write_bytes(msgspec.json.encode(content))
    temporary.replace(path)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
