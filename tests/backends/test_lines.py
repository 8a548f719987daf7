"""Lines of many threads: one writes for all, none is lost, and nobody is kept."""

import io
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from trackside.backends import lines
from trackside.backends.lines import LineWriter


class Slow(io.StringIO):
    """Lets each write wait until the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.began = threading.Event()
        self.go_on = threading.Event()

    def write(self, text: str) -> int:
        """Wait, then keep `text`."""
        self.began.set()
        assert self.go_on.wait(10)
        return super().write(text)


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    logger = logging.Logger("test.lines", logging.INFO)  # noqa: LOG001  # pytest does not know it
    yield logger
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()


@pytest.fixture
def slow(logger: logging.Logger) -> Slow:
    stream = Slow()
    logger.addHandler(logging.StreamHandler(stream))
    return stream


def join_writers() -> None:
    """Wait for the threads that write the rest."""
    for thread in threading.enumerate():
        if thread.name == "trackside-lines":
            thread.join(10)


def writing(writer: LineWriter, slow: Slow, line: str) -> threading.Thread:
    """Return a thread that is in the middle of writing `line`."""
    thread = threading.Thread(target=writer.write, args=(line,))
    thread.start()
    assert slow.began.wait(10)
    return thread


def test_alone_a_line_is_written_before_write_returns(logger: logging.Logger) -> None:
    stream = io.StringIO()
    logger.addHandler(logging.StreamHandler(stream))
    writer = LineWriter(logger, logging.INFO)
    for number in range(3):
        writer.write(str(number))
        assert stream.getvalue().endswith(f"{number}\n")


def test_while_one_thread_writes_others_leave_their_lines_and_go_on(
    logger: logging.Logger, slow: Slow
) -> None:
    writer = LineWriter(logger, logging.INFO)
    thread = writing(writer, slow, "first")
    writer.write("second")
    writer.write("third")
    assert slow.getvalue() == ""
    slow.go_on.set()
    thread.join(10)
    join_writers()
    assert slow.getvalue() == "first\nsecond\nthird\n"


def test_a_thread_writes_once_for_others_and_not_as_long_as_they_go_on(
    logger: logging.Logger, slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest is written by a thread of its own."""
    writer = LineWriter(logger, logging.INFO)
    by: list[str] = []
    usual = LineWriter._write_waiting

    def write_waiting(self: LineWriter, handlers: lines.Handlers | None) -> None:
        by.append(threading.current_thread().name)
        usual(self, handlers)

    monkeypatch.setattr(LineWriter, "_write_waiting", write_waiting)
    thread = writing(writer, slow, "first")
    writer.write("second")
    slow.go_on.set()
    thread.join(10)
    join_writers()
    assert by == [thread.name, "trackside-lines"]


def test_where_no_thread_can_be_started_the_writer_goes_on_itself(
    logger: logging.Logger, slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = LineWriter(logger, logging.INFO)
    thread = writing(writer, slow, "first")
    writer.write("second")

    def start(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    slow.go_on.set()
    thread.join(10)
    assert slow.getvalue() == "first\nsecond\n"


def test_who_finds_too_many_lines_waiting_waits_too(
    logger: logging.Logger, slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "WAITING_LINES", 1)
    writer = LineWriter(logger, logging.INFO)
    thread = writing(writer, slow, "first")
    writer.write("second")
    waiting = threading.Thread(target=writer.write, args=("third",))
    waiting.start()
    slow.go_on.set()
    waiting.join(10)
    thread.join(10)
    join_writers()
    assert slow.getvalue() == "first\nsecond\nthird\n"


def test_nobody_waits_for_ever_for_a_file_that_hangs(
    logger: logging.Logger, slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "WAITING_LINES", 0)
    monkeypatch.setattr(lines, "WAIT_S", 0.01)
    writer = LineWriter(logger, logging.INFO)
    thread = writing(writer, slow, "first")
    writer.write("second")
    writer.flush()
    slow.go_on.set()
    thread.join(10)
    join_writers()
    assert slow.getvalue() == "first\nsecond\n"


def test_sixteen_threads_lose_no_line_and_keep_their_order(logger: logging.Logger, tmp_path: Path) -> None:
    path = tmp_path / "log"
    logger.addHandler(logging.FileHandler(path))
    writer = LineWriter(logger, logging.INFO)

    def write(thread: int) -> None:
        for number in range(200):
            writer.write(f"{thread} {number} {'x' * 500}")

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(write, range(16)))
    join_writers()
    written = [line.split() for line in path.read_text().splitlines()]
    assert len(written) == 16 * 200
    for thread in range(16):
        assert [int(line[1]) for line in written if line[0] == str(thread)] == list(range(200))


def test_lines_that_wait_for_a_handler_that_changes_reach_it(logger: logging.Logger, slow: Slow) -> None:
    writer = LineWriter(logger, logging.INFO)
    thread = writing(writer, slow, "first")
    writer.write("second")
    logger.handlers[0].setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    slow.go_on.set()
    thread.join(10)
    join_writers()
    assert slow.getvalue() == "first\nINFO second\n"


def test_an_interrupt_while_writing_gives_the_turn_back(logger: logging.Logger) -> None:
    class Interrupted(io.StringIO):
        interrupted = False

        def write(self, text: str) -> int:
            if not self.interrupted:
                self.interrupted = True
                raise KeyboardInterrupt
            return super().write(text)

    stream = Interrupted()
    logger.addHandler(logging.StreamHandler(stream))
    writer = LineWriter(logger, logging.INFO)
    with pytest.raises(KeyboardInterrupt):
        writer.write("first")
    writer.write("second")
    assert stream.getvalue() == "second\n"


PREPARE = """
import logging, os, sys
from trackside.backends.lines import LineWriter
logger = logging.getLogger("tracking")
logger.setLevel(logging.INFO)
logger.addHandler(logging.FileHandler(sys.argv[1]))
writer = LineWriter(logger, logging.INFO)
writer._turn.acquire()
writer.write("waiting")
"""


def in_a_process(script: str, path: Path) -> str:
    subprocess.run([sys.executable, "-c", PREPARE + script, str(path)], check=True, timeout=60)
    return path.read_text()


def test_what_waits_at_exit_is_written(tmp_path: Path) -> None:
    assert in_a_process("writer._turn.release()", tmp_path / "log") == "waiting\n"


def test_a_forked_child_writes_its_own_lines_and_not_its_parents(tmp_path: Path) -> None:
    script = """
if os.fork() == 0:
    writer.write("child")
    os._exit(0)
os.wait()
writer._turn.release()
"""
    assert in_a_process(script, tmp_path / "log") == "child\nwaiting\n"
