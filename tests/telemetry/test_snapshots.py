"""Several processes count as one, and no counter ever goes backwards."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from trackside.telemetry import catalogue, collect, merge, snapshot, snapshots, write_snapshot

_WORKER = """
import sys
from pathlib import Path
from trackside.telemetry import catalogue, write_snapshot
for line in sys.stdin:
    catalogue.EVENTS_ACCEPTED.add(int(line), "web")
    catalogue.LOG_COMMIT_S.observe(0.001)
    catalogue.CONNECTIONS.set(3)
    catalogue.LOG_EVENTS.set(int(line))
    write_snapshot(Path(sys.argv[1]))
    print("written", flush=True)
"""


class Worker:
    """Another process that counts what it is told."""

    def __init__(self, directory: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _WORKER, str(directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def count(self, number: int) -> None:
        """Count, and return once the numbers are written."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{number}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "written\n"

    def kill(self) -> None:
        """End without warning."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@contextmanager
def worker(directory: Path) -> Iterator[Worker]:
    running = Worker(directory)
    try:
        yield running
    finally:
        running.process.kill()
        running.process.communicate()


@pytest.fixture(autouse=True)
def _own_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    process = snapshots._Process()
    monkeypatch.setattr(snapshots, "_process", process)
    yield
    if process.lock is not None:
        os.close(process.lock)


def accepted(directory: Path) -> float:
    return sum(
        numbers[0]
        for _, numbers in merge(collect(directory)).grown.get("trackside_events_accepted_total", [])
    )


def gauge(directory: Path, name: str) -> list[float]:
    return [numbers[0] for _, numbers in merge(collect(directory)).gauges.get(name, [])]


def test_living_processes_are_summed(tmp_path: Path) -> None:
    """Counters, histograms and gauges of all processes add up; `latest` gauges have the newest value."""
    catalogue.EVENTS_ACCEPTED.add(1, "web")
    catalogue.LOG_EVENTS.set(5)
    write_snapshot(tmp_path)
    with worker(tmp_path) as one, worker(tmp_path) as two:
        one.count(10)
        two.count(100)
        assert accepted(tmp_path) == 111
        assert gauge(tmp_path, "trackside_connections") == [6]
        assert gauge(tmp_path, "trackside_processes") == [3]
        total = merge([each for each in collect(tmp_path) if each.at])
        assert dict(total.grown["trackside_log_commit_seconds"])[()][-1] == pytest.approx(0.002)


def test_the_dead_keep_their_counters(tmp_path: Path) -> None:
    """After kill -9 a process's counters stay in the sum for good; its gauges and files go."""
    with worker(tmp_path) as one:
        one.count(10)
        one.count(20)
        assert accepted(tmp_path) == 30
        one.kill()
        for _ in range(3):
            assert accepted(tmp_path) == 30
        assert gauge(tmp_path, "trackside_connections") == []
        assert sorted(path.name for path in tmp_path.iterdir()) == ["metrics.json", "metrics.lock"]
        with worker(tmp_path) as two:
            two.count(5)
            assert accepted(tmp_path) == 35
            two.kill()
        assert accepted(tmp_path) == 35


def test_killed_while_the_dead_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Interrupted between keeping a dead process's counters and removing its file, nothing counts twice."""
    with worker(tmp_path) as one:
        one.count(10)
        one.kill()

    def interrupted(path: Path, missing_ok: bool = False) -> None:
        raise KeyboardInterrupt  # stands for the end of the process

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", interrupted)
        with pytest.raises(KeyboardInterrupt):
            collect(tmp_path)
    assert accepted(tmp_path) == 10
    assert accepted(tmp_path) == 10


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing can be written nothing is raised, and what the dead counted is told from their files."""
    with worker(tmp_path) as one:
        one.count(10)
        one.kill()

    def full(path: Path, content: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        assert not write_snapshot(tmp_path)
        assert [accepted(tmp_path) for _ in range(2)] == [10, 10]
    assert write_snapshot(tmp_path)
    assert [accepted(tmp_path) for _ in range(2)] == [10, 10]


def test_a_torn_file_is_passed_over(tmp_path: Path) -> None:
    """What cannot be read of a dead process does not keep the rest from being told."""
    (tmp_path / "metrics-1-abcdef01.json").write_text('{"at": 1, "gro')
    catalogue.EVENTS_ACCEPTED.add(2, "web")
    assert accepted(tmp_path) == 2
    assert not (tmp_path / "metrics-1-abcdef01.json").exists()


def test_a_forked_child_starts_from_zero(tmp_path: Path) -> None:
    """What the parent counted before a fork is told by the parent alone, and the child tells its own."""
    code = (
        "import os, sys; from pathlib import Path; from trackside.telemetry import catalogue, write_snapshot;"
        "place = Path(sys.argv[1]); catalogue.EVENTS_ACCEPTED.add(7, 'web'); write_snapshot(place);"
        "os.fork() and os.wait() or catalogue.EVENTS_ACCEPTED.add(1, 'web'); write_snapshot(place)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    assert len(list(tmp_path.glob("metrics-*.json"))) == 2
    assert accepted(tmp_path) == 8


def test_nothing_written_yet(tmp_path: Path) -> None:
    """Where no process left anything, this process's own numbers are all there is."""
    catalogue.EVENTS_ACCEPTED.add(2, "web")
    assert accepted(tmp_path / "run") == 2
    assert not (tmp_path / "run").exists()


def test_snapshots_survive_json() -> None:
    """A snapshot read back is the same."""
    catalogue.EVENTS_ACCEPTED.add(2, "web")
    catalogue.LOG_COMMIT_S.observe(0.2)
    taken = snapshot()
    assert msgspec.json.decode(msgspec.json.encode(taken), type=snapshots.Snapshot) == taken
