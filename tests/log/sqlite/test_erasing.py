"""Erasing in files: nothing is left, whoever else is at work, and whenever the process is killed."""

import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import zstandard
from msgspec import Raw
from msgspec.structs import replace

from tests.log.sqlite.conftest import OpenLog
from trackside.event import ERASED, Event, Reject, erased
from trackside.log.base import Log
from trackside.log.person import Finder, Person
from trackside.log.sqlite.compaction import Compaction
from trackside.log.sqlite.event_codec import encode_event
from trackside.log.subscription import DeadLetter, Progress, Waiting
from trackside.testing.log_values import NOON, append, make_event, read_all

MARK = b"Lovelace-1815"
ADA = Finder(Person(user_ids=frozenset({"ada"})))


def hers(number: int) -> Event:
    """An event of the person's, whose data holds the mark and some noise."""
    noise = random.Random(number).randbytes(200).hex().encode()
    data = b'{"name":"%b","noise":"%b"}' % (MARK, noise)
    return replace(make_event(number), user_id="ada", data=Raw(data))


def mixed(first: int, count: int, *, every: int = 10) -> list[Event]:
    return [hers(n) if n % every == 0 else make_event(n) for n in range(first, first + count)]


def erase_all(log: Log) -> int:
    after = count = 0
    while after < log.bounds().last:
        page = log.find_of(ADA, after)
        count += log.erase(page.positions)
        after = page.through
    return count


def traces(directory: Path) -> list[str]:
    """Return where the mark is: as it is in any file, or compressed, whole or as what is left of a frame."""
    found = []
    for path in sorted(directory.iterdir()):
        raw = path.read_bytes()
        if MARK in raw:
            found.append(path.name)
        at = raw.find(zstandard.FRAME_HEADER)
        while at >= 0:
            try:
                # of a frame that is half overwritten, as much as can be had
                text = zstandard.ZstdDecompressor().decompressobj().decompress(raw[at : at + 2_000_000])
            except zstandard.ZstdError:
                text = b""
            if MARK in text:
                found.append(f"{path.name}, compressed")
            at = raw.find(zstandard.FRAME_HEADER, at + 1)
    return found


def test_nothing_is_left_in_any_file(open_log: OpenLog, directory: Path) -> None:
    """Large and small chunks, merged ones, what waits, dead letters, rejects, the write-ahead log."""
    log = open_log()
    append(log, *mixed(1, 3_000))
    for number in range(4_000, 4_300):
        append(log, *mixed(number, 1, every=7))
    log.maintain(NOON)
    for number in range(5_000, 5_100):
        append(log, *mixed(number, 1, every=7))
    append(log, rejects=(Reject(source="", received_at=NOON, reason="x", detail="", body=b'"%b"' % MARK),))
    crm = log.subscription("crm")
    rows = [
        Waiting(position=n, event=hers(n), attempt=1, due_at=NOON, reason="503") for n in range(10, 500, 10)
    ]
    dead = [
        DeadLetter(position=n, event=hers(n), attempts=1, died_at=NOON, reason="4")
        for n in range(500, 900, 10)
    ]
    crm.advance(Progress(position=1_000, delivered=911, waiting=rows, dead=dead), now=NOON)
    assert traces(directory)
    assert erase_all(log) == 300 + 43 + 14
    assert (crm.erase_of(ADA).waiting, crm.erase_of(ADA).waiting) == (len(rows), 0)
    assert log.remove_rejects([each.number for each in log.rejects()]) == 1
    assert log.scrub()
    assert traces(directory) == []
    assert [path.stat().st_size for path in directory.glob("*-wal")] == [0, 0]
    assert len(read_all(log)) == 3_400
    with closing(sqlite3.connect(directory / "log.db")) as connection:
        assert connection.execute("PRAGMA freelist_count").fetchone() == (0,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_reader_in_the_middle_is_told_of(
    open_log: OpenLog, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While somebody reads an older state the write-ahead log keeps it; afterwards it is gone."""
    monkeypatch.setattr("trackside.sqlite.space.READERS_TAKE_S", 0.1)
    log = open_log()
    append(log, *mixed(1, 100))
    with closing(sqlite3.connect(directory / "log.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM chunks").fetchone()
        erase_all(log)
        assert not log.scrub()
        reader.execute("COMMIT")
    assert log.scrub()
    assert traces(directory) == []


def test_another_process_s_readers_do_not_show_it(open_log: OpenLog) -> None:
    """What they had decoded before is decoded anew, whichever chunk it was in."""
    one, other = open_log(), open_log()
    append(one, *mixed(1, 50))
    assert [event.type for event in other.read(0).events].count(ERASED) == 0
    erase_all(one)
    assert [event.type for event in other.read(0).events].count(ERASED) == 5


def test_merging_meanwhile_brings_nothing_back(open_log: OpenLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """A merge that read before an erasure does not write what it read, even where all sizes are the same."""
    one, other = open_log(), open_log()
    hers = replace(make_event(7), user_id="ada")
    longer = len(encode_event(hers)) - len(encode_event(erased(hers)))
    hers = replace(hers, name=hers.name[longer:])
    assert len(encode_event(hers)) == len(encode_event(erased(hers)))
    for number in range(300):
        append(one, hers if number == 7 else make_event(number))
    original = Compaction._merge
    erased_now: list[int] = []

    def merging(self: Compaction, *arguments: Any) -> object:
        result = original(self, *arguments)
        if not erased_now:
            erased_now.append(erase_all(one))
        return result

    monkeypatch.setattr(Compaction, "_merge", merging)
    other.maintain(NOON)
    other.maintain(NOON + timedelta(seconds=1))
    assert erased_now == [1]
    assert [event.type for event in one.read(0, limit=500).events].count(ERASED) == 1
    assert len(read_all(one)) == 300


def test_positions_are_noted_for_a_day(open_log: OpenLog) -> None:
    """So long an attempt cannot be under way."""
    log = open_log()
    append(log, *mixed(1, 50))
    erase_all(log)
    log.maintain(NOON + timedelta(hours=23))
    assert list(log.erased_lately()) == [10, 20, 30, 40, 50]
    log.maintain(NOON + timedelta(hours=25))
    assert list(log.erased_lately()) == []


def test_beside_writers_and_merges(open_log: OpenLog) -> None:
    """Events go on being stored, merged and read; each of hers up to the start is erased, nobody else's."""
    log, second = open_log(), open_log()
    append(log, *mixed(1, 2_000))
    stop = threading.Event()

    def write() -> None:
        number = 10_001
        while not stop.is_set():
            append(second, make_event(number))
            number += 1

    def tidy() -> None:
        while not stop.is_set():
            second.maintain(NOON)

    threads = [threading.Thread(target=write), threading.Thread(target=tidy)]
    for thread in threads:
        thread.start()
    try:
        assert log.wait(2_000, timeout_s=20)  # the writer is at work
        assert erase_all(log) == 200
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    stored = read_all(log)
    assert [position for position, _ in stored] == list(range(1, len(stored) + 1))
    assert list(log.find_of(ADA, 0).positions) == []
    assert sum(event.type == ERASED for event in log.read(0, limit=3_000).events) == 200


ERASE = """
import sys
from pathlib import Path
from typing import Any
from tests.log.sqlite.test_erasing import erase_all
from trackside.config.settings import LogSettings
from trackside.log.sqlite import SQLiteLog
log = SQLiteLog(Path(sys.argv[1]), LogSettings())
print("ready", flush=True)
erase_all(log)
log.close()
"""


@pytest.mark.faults
def test_killed_at_any_moment(open_log: OpenLog, directory: Path) -> None:
    """Whatever was done is whole, the next run does the rest; others' events are untouched."""
    log = open_log()
    for number in range(0, 20_000, 500):
        append(log, *mixed(number, 500))
    before = read_all(log)
    cut_off = 0
    for attempt in range(12):
        with subprocess.Popen(
            [sys.executable, "-c", ERASE, str(directory)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(0.004 * attempt)
            process.send_signal(signal.SIGKILL)
            cut_off += process.wait() == -signal.SIGKILL
        assert read_all(log) == before
    assert cut_off
    erase_all(log)
    assert log.scrub()
    assert traces(directory) == []
    assert sum(event.type == ERASED for event in log.read(0, limit=30_000).events) == 2_000
