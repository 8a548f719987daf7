"""Crashes: after any system call, and of a real process at any moment."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.destinations.tracking_log.test_contract import ids_in
from trackside.config.settings import LogSettings
from trackside.delivery import DeliveryEngine
from trackside.destinations.tracking_log import TrackingLog, TrackingLogSettings
from trackside.log.sqlite import SQLiteLog
from trackside.testing.destination_contract import deliveries

pytestmark = pytest.mark.slow


class Killed(BaseException):
    """Stands for the end of the process."""


class Fuse:
    """Ends the process at its N-th system call: before it, after it, or after a part of a write."""

    CALLS = ("open", "write", "fsync", "ftruncate", "truncate", "rename", "replace", "close")

    def __init__(self, calls: int, part: float) -> None:
        self._left = calls
        self._part = part
        self.blown = False

    def _burn(self) -> bool:
        if self.blown:
            raise Killed
        self._left -= 1
        self.blown = self._left < 0
        return self.blown

    def wrap(self, name: str, real: Callable[..., object]) -> Callable[..., object]:
        """Return `real` with the fuse before it."""

        def call(*args: object, **kwargs: object) -> object:
            if not self._burn():
                return real(*args, **kwargs)
            if name == "write":
                fd, data = args
                whole = bytes(data)  # type: ignore[call-overload]
                real(fd, whole[: int(len(whole) * self._part)])
            elif self._part > 0.5:
                real(*args, **kwargs)
            raise Killed

        return call

    def lit(self) -> "ExitStackOf":
        """Return a context in which the calls burn."""
        return ExitStackOf(
            [mock.patch(f"os.{name}", self.wrap(name, getattr(os, name))) for name in self.CALLS]
        )


class ExitStackOf:
    """Several patches as one context."""

    def __init__(self, patches: "list[mock._patch[Callable[..., object]]]") -> None:
        self._patches = patches

    def __enter__(self) -> None:
        for each in self._patches:
            each.start()

    def __exit__(self, *_: object) -> None:
        for each in self._patches:
            each.stop()


EVENTS = 24


class Model:
    """The part of the worker that matters here: position and note are kept together, or not at all."""

    def __init__(self, folder: Path, *, max_bytes: int) -> None:
        self.folder = folder
        self.settings = TrackingLogSettings(max_bytes=max_bytes, backups=1_000)
        self.position = 0
        self.note: str | None = None

    def live(self, *, page: int, pages_a_commit: int, move: bool) -> None:
        """One process: it delivers until it is killed or everything is delivered."""
        log = TrackingLog(self.folder / "tracking.log", self.settings)
        try:
            log._open(self.note)
            self.note = log.checkpoint()
            sent = self.position
            while sent < EVENTS:
                for _ in range(pages_a_commit):
                    numbers = range(sent + 1, min(sent + page, EVENTS) + 1)
                    log._send(deliveries(*numbers))
                    sent = min(sent + page, EVENTS)
                if move and not (self.folder / "tracking.log.moved").exists():
                    (self.folder / "tracking.log").rename(self.folder / "tracking.log.moved")
                note = log.checkpoint()
                self.position, self.note = sent, note
        finally:
            fd, log._file._fd = log._file._fd, None
            if fd is not None:
                REAL_CLOSE(fd)  # what the end of a process does


REAL_CLOSE = os.close


def arrived(folder: Path) -> list[int]:
    """Return the numbers of all files of the folder, oldest file first."""
    files = sorted(folder.iterdir(), key=lambda file: file.stat().st_mtime_ns)
    return [int(each.removeprefix("event-")) for file in files for each in ids_in(file)]


@given(
    fuses=st.lists(st.tuples(st.integers(0, 60), st.floats(0, 1)), max_size=4),
    page=st.integers(1, 7),
    pages_a_commit=st.integers(1, 3),
    rotation=st.sampled_from(["none", "own", "moved"]),
)
def test_crash_after_any_system_call(
    fuses: list[tuple[int, float]],
    page: int,
    pages_a_commit: int,
    rotation: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """However often and wherever the process ends, each event is in the files once, and in order."""
    folder = tmp_path_factory.mktemp("crash")
    model = Model(folder, max_bytes=1_500 if rotation == "own" else 0)
    for calls, part in fuses:
        fuse = Fuse(calls, part)
        try:
            with fuse.lit():
                model.live(page=page, pages_a_commit=pages_a_commit, move=rotation == "moved")
        except (Killed, OSError):
            assert fuse.blown
    model.live(page=page, pages_a_commit=pages_a_commit, move=rotation == "moved")
    found = arrived(folder)
    if rotation == "none":
        assert found == list(range(1, EVENTS + 1))
    else:
        assert sorted(found) == list(range(1, EVENTS + 1))


PROCESS = """
import sys, time
from pathlib import Path
from trackside.config.settings import LogSettings
from trackside.delivery import DeliveryEngine
from trackside.destinations.tracking_log import TrackingLog, TrackingLogSettings
from trackside.event import Batch
from trackside.log.base import Committed, append_and_wait
from trackside.log.sqlite import SQLiteLog
from trackside.testing.destination_contract import make_event

folder, first = Path(sys.argv[1]), int(sys.argv[2])
log = SQLiteLog(folder, LogSettings())
settings = TrackingLogSettings()
destinations = {"tracking_log": (TrackingLog(folder / "tracking.log", settings), settings)}
engine = DeliveryEngine(log, destinations, folder / "delivery.lock")
engine.start()
for number in range(first, first + 1_000_000, 7):
    receipt = append_and_wait(log, Batch(events=[make_event(n) for n in range(number, number + 7)]))
    assert isinstance(receipt, Committed)
    print(number + 7, flush=True)
"""


@pytest.mark.faults
def test_kill_9(tmp_path: Path) -> None:
    """Killed at random moments under load, every acknowledged event is in the file once, in order."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    random_moment = random.Random(20_261_120)
    acknowledged = 1
    for _ in range(10):
        process = subprocess.Popen(
            [sys.executable, "-c", PROCESS, str(folder), str(acknowledged)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        try:
            process.stdout.readline()
            time.sleep(random_moment.uniform(0.0, 0.4))
        finally:
            process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().split("\n")[:-1]
        process.stdout.close()
        process.wait()
        acknowledged = max([acknowledged, *(int(line) for line in rest)])
    _deliver_the_rest(folder)
    expected = _in_log(folder)
    assert len(expected) >= acknowledged - 1
    assert ids_in(folder / "tracking.log") == expected


def _deliver_the_rest(folder: Path) -> None:
    log = SQLiteLog(folder, LogSettings())
    place = TrackingLogSettings()
    destinations = {"tracking_log": (TrackingLog(folder / "tracking.log", place), place)}
    engine = DeliveryEngine(log, destinations, folder / "delivery.lock")
    engine.start()
    last = log.bounds().last
    deadline = time.monotonic() + 30
    while log.subscription("tracking_log").state().position < last:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    engine.stop()
    log.close()


def _in_log(folder: Path) -> list[str]:
    log = SQLiteLog(folder, LogSettings())
    found: list[str] = []
    after = 0
    while (page := log.read(after)).through > after:
        found += [event.id for event in page.events]
        after = page.through
    log.close()
    assert len(set(found)) == len(found)
    return found
