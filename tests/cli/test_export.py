"""export writes events into a file that is there whole or not at all."""

import json
import os
import random
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pyarrow.parquet as pq
import pytest
from msgspec import Raw
from msgspec.structs import replace

from tests.cli.conftest import NOW, Place, event
from tests.export.reading import lines_of
from trackside.log.sqlite import SQLiteLog

MANY = 3_000


def positions(place: Place, *arguments: str) -> list[int]:
    """Return the positions that are written to the standard output."""
    result = place.run("export", *arguments)
    assert result.exit_code == 0, result.output
    return [json.loads(line)["position"] for line in lines_of(result.stdout_bytes)]


def fill(place: Place, count: int = MANY) -> None:
    place.append([event(number, data=Raw(b'{"text":"%s"}' % (b"x" * 300))) for number in range(1, count + 1)])


def started(place: Place, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    """Start the command as a program of its own."""
    line = [sys.executable, "-m", "trackside", "export", *arguments, "--data-dir", str(place.data_dir)]
    return subprocess.Popen(line, stderr=subprocess.PIPE, **options)


def test_a_line_is_what_tail_prints(place: Place) -> None:
    """What reads one reads the other."""
    place.append([event(1, data=Raw(b'{"price":1.50}'), skew_ms=7, clock_flags=("naive",)), event(2)])
    result = place.run("export")
    assert result.stdout == place.run("tail", "--json").stdout
    assert result.stderr.startswith("2 events, positions 1 to 2, ")
    assert place.run("export", "-").stdout == result.stdout


def test_into_a_file(place: Place) -> None:
    """The last line says what is in it."""
    fill(place)
    result = place.run("export", "events.jsonl")
    size = Path("events.jsonl").stat().st_size
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"3,000 events, positions 1 to 3000, {size / 1e6:.1f} MB in events.jsonl\n"
    assert Path("events.jsonl").read_bytes() == place.run("export").stdout_bytes


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_a_compressed_file(place: Place, compression: str) -> None:
    fill(place, 10)
    name = {"gzip": "e.jsonl.gz", "zstd": "e.jsonl.zst"}[compression]
    assert place.run("export", name).exit_code == 0
    assert lines_of(Path(name).read_bytes(), compression) == lines_of(place.run("export").stdout_bytes)


def test_parquet(place: Place) -> None:
    """Its own format, to a file and to the standard output."""
    fill(place, 10)
    assert place.run("export", "e.parquet").exit_code == 0
    piped = place.run("export", "--format", "parquet").stdout_bytes
    assert piped == Path("e.parquet").read_bytes()
    assert pq.read_table("e.parquet")["position"].to_pylist() == list(range(1, 11))


def test_lines_of_the_tracking_log(place: Place) -> None:
    fill(place, 2)
    assert place.run("export", "e.log").exit_code == 0
    assert [json.loads(line)["event_type"] for line in Path("e.log").read_text().splitlines()] == [
        "Item Purchased",
        "Item Purchased",
    ]


def test_parquet_without_its_library(place: Place) -> None:
    """It is said what to install, and nothing is begun."""
    with mock.patch("trackside.destinations.files.formats.find_spec", return_value=None):
        result = place.run("export", "e.parquet")
    assert (result.exit_code, "pip install 'trackside[parquet]'" in result.stderr) == (1, True)
    assert not Path("e.parquet").exists()


def test_a_name_that_says_no_format(place: Place) -> None:
    """Before anything is read; --format says it then."""
    result = place.run("export", "e.csv", "--data-dir", "nowhere")
    assert (result.exit_code, "does not end in .jsonl" in result.stderr) == (2, True)
    fill(place, 1)
    assert place.run("export", "e.csv", "--format", "jsonl").exit_code == 0
    assert Path("e.csv").read_bytes() == place.run("export").stdout_bytes


def test_what_is_there_already_stays(place: Place) -> None:
    """Unless --force says otherwise; a folder or a device always."""
    fill(place, 1)
    Path("e.jsonl").write_text("theirs")
    result = place.run("export", "e.jsonl")
    assert (result.exit_code, "e.jsonl is there already" in result.stderr) == (2, True)
    assert Path("e.jsonl").read_text() == "theirs"
    assert place.run("export", "e.jsonl", "--force").exit_code == 0
    assert len(Path("e.jsonl").read_text().splitlines()) == 1
    for name in (".", "/dev/null"):
        result = place.run("export", name, "--force", "--format", "jsonl")
        assert (result.exit_code, "no file that could be replaced" in result.stderr) == (2, True)


def test_a_file_that_came_while_it_was_written_stays(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(place, 1)
    read = SQLiteLog.read

    def meanwhile(*arguments: Any, **options: Any) -> Any:
        Path("e.jsonl").write_text("theirs")
        return read(*arguments, **options)

    monkeypatch.setattr(SQLiteLog, "read", meanwhile)
    result = place.run("export", "e.jsonl")
    assert (result.exit_code, "e.jsonl is there since" in result.stderr) == (1, True)
    assert Path("e.jsonl").read_text() == "theirs"


def test_a_folder_that_is_not_there(place: Place) -> None:
    result = place.run("export", "nowhere/e.jsonl")
    assert result.exit_code == 1
    assert result.stderr == "trackside: cannot write nowhere/e.jsonl: No such file or directory\n"


def test_an_empty_log(place: Place) -> None:
    """Files without events."""
    result = place.run("export", "e.jsonl")
    assert (result.exit_code, result.stderr) == (0, "0 events, no positions, 0 bytes in e.jsonl\n")
    assert Path("e.jsonl").read_bytes() == b""
    assert place.run("export", "e.parquet").exit_code == 0
    assert pq.read_table("e.parquet").num_rows == 0


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--since", "4"), [4, 5, 6]),
        (("--until", "2"), [1, 2]),
        (("--since", "2", "--until", "3"), [2, 3]),
        (("--since", "2026-11-20T12:00:05Z"), [5, 6]),
        (("--until", "2026-11-20T12:00:03Z"), [1, 2]),
        (("--since", "9"), []),
        (("--since", "5", "--until", "2"), []),
        (("--name", "b*"), [2, 4, 6]),
        (("--name", "b*", "--name", "a"), [1, 2, 3, 4, 5, 6]),
        (("--name", "b", "--limit", "2"), [2, 4]),
        (("-n", "0"), []),
        (("--user", "user-3"), [3]),
        (("--user", "user-3", "--user", "user-4", "--name", "a"), [3]),
        (("--user", "nobody"), []),
    ],
)
def test_what_is_asked_for(place: Place, arguments: tuple[str, ...], expected: list[int]) -> None:
    place.append([event(number, name="ba"[number % 2]) for number in range(1, 7)])
    assert positions(place, *arguments) == expected


def test_all_there_is_of_a_user(place: Place) -> None:
    """Also what only its context or its data says to be of that user: what `forget` would erase."""
    context = (b'{"user_id":42}', b'{"user_id":"42"}', b'{"username":"ada"}', b'{"user_id":43}')
    place.append([replace(event(n, user_id=None), context=Raw(text)) for n, text in enumerate(context, 1)])
    place.append(
        [
            event(5, user_id="42"),
            event(6, anonymous_id="phone-1"),
            event(7, data=Raw(b'{"username":"ada"}')),
            event(8, data=Raw(b'{"text":"ada 42"}')),
        ]
    )
    assert positions(place, "--user", "42") == [1, 2, 5]
    assert positions(place, "--user", "42", "--user", "ada") == [1, 2, 3, 5, 7]
    assert positions(place, "--user", "phone-1") == [6]
    forgotten = ("--user-id", "42", "--username", "ada", "--anonymous-id", "phone-1")
    assert place.run("forget", *forgotten, "--yes").exit_code == 0
    assert positions(place, "--user", "42", "--user", "ada", "--user", "phone-1") == []
    assert positions(place) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_a_user_that_is_no_text(place: Place) -> None:
    result = place.run("export", "--user", "half \ud800")
    assert (result.exit_code, "want ids and names in UTF-8" in result.stderr) == (2, True)


def test_what_was_erased_has_no_line_of_the_tracking_log(place: Place) -> None:
    """As its destination writes none; that is no reason to say that something is missing."""
    place.append([event(1), event(2)])
    place.log.erase([1])
    result = place.run("export", "--format", "tracking-log")
    assert (result.exit_code, len(lines_of(result.stdout_bytes))) == (0, 1)
    assert result.stderr.startswith("1 events, positions 1 to 2, ")


def test_the_next_one_begins_behind_the_last(place: Place) -> None:
    """The last line says up to where it was."""
    place.append([event(number, name="ba"[number % 2]) for number in range(1, 7)])
    assert "positions 1 to 6," in place.run("export", "--name", "a").stderr
    assert "positions 1 to 3," in place.run("export", "--name", "a", "-n", "2").stderr
    assert "0 events, no positions" in place.run("export", "--since", "7").stderr


def removing(place: Place, through: int) -> Callable[[], None]:
    """Return what removes the events up to that position, as a server does in the end."""
    return lambda: place.log.maintain(NOW + timedelta(seconds=through, days=30, milliseconds=1))


def test_events_that_are_gone_already(place: Place) -> None:
    """Asked for by number they are missing, and it says so; of what there is, all is there."""
    for number in range(1, 11):
        place.append([event(number)])
    removing(place, 4)()
    result = place.run("export", "e.jsonl", "--since", "2")
    assert result.exit_code == 3
    assert result.stderr.splitlines()[0] == "3 of the positions asked for are gone: retention removed them"
    assert len(Path("e.jsonl").read_text().splitlines()) == 6
    assert positions(place) == [5, 6, 7, 8, 9, 10]


def test_events_that_are_removed_while_it_reads(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not pretend to be complete."""
    for number in range(1, 201):
        place.append([event(number)])
    read, begun = SQLiteLog.read, threading.Event()

    def slow(self: SQLiteLog, after: int, **options: Any) -> Any:
        if after and not begun.is_set():
            begun.set()
            removing(place, 150)()
        return read(self, after, **options)

    monkeypatch.setattr(SQLiteLog, "read", slow)
    result = place.run("export", "e.jsonl")
    found = [json.loads(line)["position"] for line in Path("e.jsonl").read_text().splitlines()]
    first = found.index(151)
    assert found == [*range(1, first + 1), *range(151, 201)]
    assert result.exit_code == 3
    assert f"{150 - first} of the positions asked for are gone" in result.stderr
    assert "positions 1 to 200," in result.stderr


def test_another_process_writes_meanwhile(place: Place) -> None:
    """It ends at the end that the log had, and what it wrote is the log without a gap."""
    fill(place)
    stop = threading.Event()

    def write() -> None:
        number = 10_000
        while not stop.is_set():
            place.append([event(number + at) for at in range(50)])
            number += 50

    writing = threading.Thread(target=write)
    writing.start()
    try:
        for name in ("a.jsonl", "b.jsonl"):
            before = place.log.bounds().last
            program = started(place, name)
            _, told = program.communicate(timeout=60)
            assert program.returncode == 0, told
            found = [json.loads(line)["position"] for line in Path(name).read_text().splitlines()]
            assert found == list(range(1, len(found) + 1))
            assert before <= len(found) <= place.log.bounds().last
    finally:
        stop.set()
        writing.join()


def test_a_disk_without_room(place: Place) -> None:
    """A clear line, and no half file."""
    noise = random.Random(1)
    place.append(
        [event(n, data=Raw(b'{"x":"%s"}' % noise.randbytes(300).hex().encode())) for n in range(MANY)]
    )

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    for name in ("e.jsonl", "e.parquet", "e.jsonl.gz", "e.jsonl.zst", "e.log"):
        program = started(place, name, preexec_fn=limit)
        _, told = program.communicate(timeout=60)
        assert (program.returncode, told) == (1, f"trackside: cannot write {name}: File too large\n".encode())
        assert [path.name for path in Path().iterdir()] == ["data"]


HIT = """
import os, sys
from trackside.cli import main
from trackside.log.sqlite import SQLiteLog

ending, read = int(sys.argv.pop(1)), SQLiteLog.read

def read_once(self, after, **options):
    if after:
        os.kill(os.getpid(), ending)
    return read(self, after, **options)

SQLiteLog.read = read_once
main()
"""
"""Runs the command, which gets the signal of its first argument while it reads the second page."""


def hit(place: Place, ending: signal.Signals) -> tuple[int, bytes]:
    """Return the exit status and the standard error of an export that gets this signal in its midst."""
    fill(place)
    line = [
        sys.executable,
        "-c",
        HIT,
        str(int(ending)),
        "export",
        "e.jsonl",
        "--data-dir",
        str(place.data_dir),
    ]
    program = subprocess.run(line, stderr=subprocess.PIPE, check=False, timeout=60)
    return program.returncode, program.stderr


@pytest.mark.parametrize(
    ("ending", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 1)]
)
def test_ended_by_a_signal(place: Place, ending: signal.Signals, status: int) -> None:
    """No file of the name, and none beside it."""
    found, told = hit(place, ending)
    assert (found, b"Traceback" in told) == (status, False)
    assert [path.name for path in Path().iterdir()] == ["data"]


def test_killed(place: Place) -> None:
    """No file of that name; what was begun is hidden, and in nobody's way."""
    assert hit(place, signal.SIGKILL)[0] == -signal.SIGKILL
    left = sorted(path.name for path in Path().iterdir())
    assert (len(left), left[0].startswith(".trackside-export-"), left[1]) == (2, True, "data")
    assert place.run("export", "e.jsonl").exit_code == 0


def test_nobody_listens(place: Place) -> None:
    """A closed pipe ends it without a word, as it ends head's neighbours; a shell sees 141."""
    fill(place)
    ours, theirs = os.pipe()
    program = started(place, stdout=theirs)
    os.close(theirs)
    assert os.read(ours, 10) == b'{"position'
    os.close(ours)
    _, told = program.communicate(timeout=60)
    assert (program.returncode, told) == (141, b"")


def test_full_standard_output(place: Place) -> None:
    fill(place)
    with Path("/dev/full").open("wb") as full:
        program = started(place, stdout=full)
        _, told = program.communicate(timeout=60)
    assert (program.returncode, told) == (
        1,
        b"trackside: cannot write to the standard output: No space left on device\n",
    )


def test_a_terminal(place: Place) -> None:
    """It gets no Parquet; how far it is is shown there, and on no other standard error."""
    fill(place)
    ours, theirs = os.openpty()
    program = started(place, "--format", "parquet", stdout=theirs)
    _, told = program.communicate(timeout=60)
    assert (program.returncode, b"nothing for a terminal" in told) == (2, True)
    os.close(theirs)
    os.close(ours)
    assert "read" not in place.run("export", "e.jsonl").stderr


def test_progress_on_a_terminal(place: Place) -> None:
    """It is gone at the end; the last line stays."""
    fill(place)
    ours, theirs = os.openpty()
    line = [sys.executable, "-m", "trackside", "export", "e.jsonl", "--data-dir", str(place.data_dir)]
    program = subprocess.Popen(line, stderr=theirs, env={**os.environ, "TERM": "xterm"})
    os.close(theirs)
    assert program.wait(timeout=60) == 0
    told = b""
    while b"e.jsonl\r\n" not in told:
        told += os.read(ours, 65_536)
    os.close(ours)
    assert b"positions read" in told
    assert b"3,000 events, positions 1 to 3000" in told.splitlines()[-1]


def test_the_times_are_those_of_the_log(place: Place) -> None:
    """In Parquet with microseconds."""
    at = datetime(2026, 11, 20, 12, 0, 0, 123_456, tzinfo=UTC)
    place.append([replace(event(1), timestamp=at)])
    assert place.run("export", "e.parquet").exit_code == 0
    assert pq.read_table("e.parquet")["timestamp"].to_pylist() == [at]
