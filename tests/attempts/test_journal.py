"""The ring that outlives its process."""

import errno
import os
import random
from pathlib import Path

import pytest

from trackside.attempts.journal import Journal, dead_journals


def test_what_was_added_comes_out_in_order_however_often_the_ring_goes_round(tmp_path: Path) -> None:
    """Records of all lengths, over the end of the memory and on."""
    choose = random.Random(3)
    journal = Journal.create(tmp_path, 4_096)
    read = 0
    for _ in range(500):
        added = []
        while True:
            record = choose.randbytes(choose.randrange(1, 900))
            if not journal.add(record):
                break
            added.append(record)
        assert journal.used <= journal.size
        assert added
        assert [record for _, record in journal.records(read, journal.head)] == added
        read = journal.head
        journal.release(read)
    journal.close(remove=True)
    assert list(tmp_path.iterdir()) == []


def test_there_is_no_room_for_what_is_longer_than_the_ring(tmp_path: Path) -> None:
    """Nor for what would leave less than is to stay free."""
    journal = Journal.create(tmp_path, 1_000)
    assert not journal.add(bytes(1_000))
    assert not journal.add(bytes(600), spare=500)
    assert journal.add(bytes(600))
    assert journal.add(b"") is True


def test_a_journal_is_dead_once_nobody_holds_it(tmp_path: Path) -> None:
    """One that is held is nobody else's business; one that was let go of is there with its records."""
    journal = Journal.create(tmp_path, 1_000)
    journal.add(b"x")
    assert list(dead_journals(tmp_path)) == []
    journal.close(remove=False)
    (found,) = dead_journals(tmp_path)
    assert found.is_whole
    assert [record for _, record in found.records(found.tail, found.head)] == [b"x"]
    found.close(remove=True)


def test_without_room_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ring is in memory alone, and leaves no file behind."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    journal = Journal.create(tmp_path, 1_000)
    assert journal.add(b"x")
    assert journal.path is None
    assert list(tmp_path.iterdir()) == []
    journal.close(remove=True)


@pytest.mark.parametrize("junk", [b"", b"x" * 10, b"\xff" * 2_000, bytes(2_000)])
def test_what_is_no_journal(tmp_path: Path, junk: bytes) -> None:
    """A power cut may leave anything in the file: it is seen, and read no further than it makes sense."""
    (tmp_path / "attempts-1-0.journal").write_bytes(junk)
    for found in dead_journals(tmp_path):
        assert not found.is_whole
        found.close(remove=True)
