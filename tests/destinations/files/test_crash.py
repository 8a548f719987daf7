"""Crashes: after any system call, and of a real process at any moment."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.destinations.files.reading import files_in, ids_in, ids_of
from tests.destinations.tracking_log.test_crash import REAL_CLOSE, Fuse, Killed
from trackside.config.settings import LogSettings
from trackside.delivery import DeliveryEngine
from trackside.destinations.files import Files, FilesSettings
from trackside.log.sqlite import SQLiteLog
from trackside.testing.destination_contract import deliveries

pytestmark = pytest.mark.slow

EVENTS = 24


class Model:
    """The part of the worker that matters here: position and note are kept together, or not at all."""

    def __init__(self, folder: Path, settings: FilesSettings) -> None:
        self.folder = folder
        self.settings = settings
        self.position = 0
        self.note: str | None = None

    def live(self, *, page: int, pages_a_commit: int, finish_every: int) -> None:
        """One process: it delivers until it is killed or everything is delivered."""
        at_s = 0.0
        files = Files(self.folder, self.settings, monotonic=lambda: at_s)
        try:
            files._open(self.note)
            self.note = files.checkpoint()
            sent = self.position
            pages = 0
            while sent < EVENTS:
                for _ in range(pages_a_commit):
                    numbers = range(sent + 1, min(sent + page, EVENTS) + 1)
                    outcomes, _ = files._send(deliveries(*numbers))
                    if any(hasattr(outcome, "rest_s") for outcome in outcomes):
                        raise Killed
                    sent = min(sent + page, EVENTS)
                    pages += 1
                    if pages % finish_every == 0:
                        at_s += 1_000.0
                        files._finish_due()
                note = files.checkpoint()
                self.position, self.note = sent, note
            files._close()
        finally:
            if files._parts is not None:
                for part in (*files._parts._open.values(), *files._parts._full, *files._parts._finished):
                    fd, part._fd = part._fd, None
                    if fd is not None:
                        REAL_CLOSE(fd)  # what the end of a process does


@given(
    fuses=st.lists(st.tuples(st.integers(0, 60), st.floats(0, 1)), max_size=4),
    page=st.integers(1, 7),
    pages_a_commit=st.integers(1, 3),
    finish_every=st.integers(1, 4),
    format_=st.sampled_from(["json_lines", "parquet"]),
)
def test_crash_after_any_system_call(
    fuses: list[tuple[int, float]],
    page: int,
    pages_a_commit: int,
    finish_every: int,
    format_: Literal["json_lines", "parquet"],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """However often and wherever the process ends, each event is in the files once, and in order."""
    folder = tmp_path_factory.mktemp("crash")
    model = Model(folder, FilesSettings(format=format_, compression="zstd"))
    rhythm = {"page": page, "pages_a_commit": pages_a_commit, "finish_every": finish_every}
    for calls, part in fuses:
        fuse = Fuse(calls, part)
        try:
            with fuse.lit():
                model.live(**rhythm)
        except (Killed, OSError):
            assert fuse.blown
        for path in files_in(folder):
            assert ids_of(path)  # whole, whenever somebody looks
    model.live(**rhythm)
    assert ids_in(folder) == [f"event-{n}" for n in range(1, EVENTS + 1)]


PROCESS = """
import sys
from pathlib import Path
from trackside.config.settings import LogSettings
from trackside.delivery import DeliveryEngine
from trackside.destinations.files import Files, FilesSettings
from trackside.event import Batch
from trackside.log.base import Committed, append_and_wait
from trackside.log.sqlite import SQLiteLog
from trackside.testing.destination_contract import make_event

folder, first, format = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
log = SQLiteLog(folder, LogSettings())
settings = FilesSettings(format=format, max_age_s=0.03)
engine = DeliveryEngine(log, {"files": (Files(folder / "events", settings), settings)}, folder / "delivery.lock")
engine.start()
for number in range(first, first + 1_000_000, 7):
    receipt = append_and_wait(log, Batch(events=[make_event(n) for n in range(number, number + 7)]))
    assert isinstance(receipt, Committed)
    print(number + 7, flush=True)
"""


@pytest.mark.faults
@pytest.mark.parametrize("format_", ["json_lines", "parquet"])
def test_kill_9(tmp_path: Path, format_: Literal["json_lines", "parquet"]) -> None:
    """Killed at random moments under load, every acknowledged event is in one file, once; no file is half."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    random_moment = random.Random(20_261_127)
    acknowledged = 1
    for _ in range(8):
        command = [sys.executable, "-c", PROCESS, str(folder), str(acknowledged), format_]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        files, deadline = len(files_in(folder / "events")), time.monotonic() + 20
        try:
            process.stdout.readline()
            while len(files_in(folder / "events")) <= files:  # a busy machine takes its time to begin
                assert time.monotonic() < deadline
                time.sleep(0.01)
            time.sleep(random_moment.uniform(0.0, 0.5))
        finally:
            process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().split("\n")[:-1]
        process.stdout.close()
        process.wait()
        acknowledged = max([acknowledged, *(int(line) for line in rest)])
        for path in files_in(folder / "events"):
            assert ids_of(path)
    expected = _deliver_the_rest(folder, FilesSettings(format=format_))
    assert len(expected) >= acknowledged - 1
    arrived = ids_in(folder / "events")
    assert len(arrived) == len(set(arrived))
    assert sorted(arrived) == sorted(expected)
    assert len(files_in(folder / "events")) > 8
    assert not [path for path in (folder / "events").rglob(".*") if path.is_file()]


def _deliver_the_rest(folder: Path, settings: FilesSettings) -> list[str]:
    """Return the ids in the log, after all of them were delivered."""
    log = SQLiteLog(folder, LogSettings())
    engine = DeliveryEngine(
        log, {"files": (Files(folder / "events", settings), settings)}, folder / "delivery.lock"
    )
    engine.start()
    last = log.bounds().last
    deadline = time.monotonic() + 30
    while log.subscription("files").state().position < last:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    engine.stop()
    found: list[str] = []
    after = 0
    while (page := log.read(after)).through > after:
        found += [event.id for event in page.events]
        after = page.through
    log.close()
    return found
