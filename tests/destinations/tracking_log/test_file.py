"""The file: rotation by others and by itself, disks that fill up, power that is cut."""

import asyncio
import errno
import os
from collections.abc import Sequence
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.destinations.tracking_log.test_contract import ids_in
from trackside.destinations.base import DELIVERED, Outcome, Retry
from trackside.destinations.tracking_log import TrackingLog, TrackingLogSettings
from trackside.destinations.tracking_log.line import FORMAT
from trackside.errors import DestinationError
from trackside.testing.destination_contract import deliveries


def make(folder: Path, **changes: int) -> TrackingLog:
    return TrackingLog(folder / "tracking.log", TrackingLogSettings(**changes))  # type: ignore[arg-type]


def opened(folder: Path, note: str | None = None, **changes: int) -> TrackingLog:
    log = make(folder, **changes)
    log._open(note)
    return log


def send(log: TrackingLog, *numbers: int) -> Sequence[Outcome]:
    return list(log._send(deliveries(*numbers)))


def numbers(path: Path) -> list[int]:
    return [int(each.removeprefix("event-")) for each in ids_in(path)]


def no_space() -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_moved_file_is_followed_by_a_new_one(tmp_path: Path) -> None:
    """After `mv` the next lines are in a new file at the path."""
    log = opened(tmp_path)
    send(log, 1, 2)
    (tmp_path / "tracking.log").rename(tmp_path / "tracking.log.1")
    send(log, 3)
    assert numbers(tmp_path / "tracking.log.1") == [1, 2]
    assert numbers(tmp_path / "tracking.log") == [3]


def test_a_removed_file_is_made_again(tmp_path: Path) -> None:
    """After `rm` the next lines are in a new file."""
    log = opened(tmp_path)
    send(log, 1)
    (tmp_path / "tracking.log").unlink()
    assert send(log, 2) == [DELIVERED]
    assert numbers(tmp_path / "tracking.log") == [2]


def test_a_file_put_in_its_place_is_appended_to(tmp_path: Path) -> None:
    """After logrotate's `create` the new file is used; an unfinished line in it does not swallow ours."""
    log = opened(tmp_path)
    send(log, 1)
    path = tmp_path / "tracking.log"
    path.rename(tmp_path / "tracking.log.1")
    path.write_bytes(b"somebody else's")
    send(log, 2)
    first, second, _ = path.read_bytes().split(b"\n")
    assert first == b"somebody else's"
    assert b"event-2" in second


def test_a_file_emptied_in_place_is_gone_on_with(tmp_path: Path) -> None:
    """After logrotate's `copytruncate` lines go on at the beginning, without a gap of zeros."""
    log = opened(tmp_path)
    send(log, 1, 2)
    path = tmp_path / "tracking.log"
    os.truncate(path, 0)
    send(log, 3)
    assert numbers(path) == [3]
    note = log.checkpoint()
    send(log, 4)
    again = opened(tmp_path, note)
    send(again, 4, 5)
    assert numbers(path) == [3, 4, 5]


def test_own_rotation_by_size(tmp_path: Path) -> None:
    """No file grows beyond the limit, the newest backups are kept, and no line is in two files or torn."""
    line_bytes = _line_bytes(tmp_path)
    log = opened(tmp_path, max_bytes=3 * line_bytes, backups=2)
    for first in range(1, 17, 4):
        send(log, *range(first, first + 4))
    files = [tmp_path / name for name in ("tracking.log.2", "tracking.log.1", "tracking.log")]
    assert all(file.stat().st_size <= 3 * line_bytes for file in files)
    assert [numbers(file) for file in files] == [[10, 11, 12], [13, 14, 15], [16]]
    assert not (tmp_path / "tracking.log.3").exists()


def _line_bytes(folder: Path) -> int:
    probe = folder / "probe"
    probe.mkdir()
    send(opened(probe), 10)
    return (probe / "tracking.log").stat().st_size


def test_a_line_larger_than_the_limit_has_its_own_file(tmp_path: Path) -> None:
    """A limit below one line neither loses it nor loops."""
    log = opened(tmp_path, max_bytes=10, backups=3)
    assert send(log, 1, 2, 3) == [DELIVERED] * 3
    found = [numbers(tmp_path / name) for name in ("tracking.log.2", "tracking.log.1", "tracking.log")]
    assert found == [[1], [2], [3]]


def test_full_disk_keeps_whole_lines_and_resumes(tmp_path: Path) -> None:
    """What fits is delivered in whole lines, the rest is to be tried again and spends no attempt."""
    log = opened(tmp_path)
    real, written = os.write, 0

    def write(fd: int, data: bytes) -> int:
        nonlocal written
        if written:
            raise no_space()
        written = real(fd, bytes(data)[: len(data) // 2])
        return written

    with mock.patch("os.write", write):
        outcomes = send(log, 1, 2, 3)
    assert outcomes[0] is DELIVERED
    for outcome in outcomes[1:]:
        assert isinstance(outcome, Retry)
        assert not outcome.spends_attempt
        assert "No space left" in outcome.reason
    assert numbers(tmp_path / "tracking.log") == [1]
    send(log, 2, 3)
    assert numbers(tmp_path / "tracking.log") == [1, 2, 3]


def test_what_cannot_be_cut_at_once_is_cut_before_the_next_line(tmp_path: Path) -> None:
    """A torn line that even `ftruncate` could not remove never has another line behind it."""
    log = opened(tmp_path)
    real, calls = os.write, 0

    def write(fd: int, data: bytes) -> int:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise no_space()
        return real(fd, bytes(data)[:20])

    with mock.patch("os.write", write), mock.patch("os.ftruncate", side_effect=no_space()):
        send(log, 1)
    assert (tmp_path / "tracking.log").stat().st_size == 20
    send(log, 1)
    assert numbers(tmp_path / "tracking.log") == [1]


def test_failed_fsync_is_written_again(tmp_path: Path) -> None:
    """After a failed fsync what it should have secured is cut off: it comes again, and then counts."""
    log = opened(tmp_path)
    send(log, 1)
    note = log.checkpoint()
    send(log, 2)
    with (
        mock.patch("os.fsync", side_effect=OSError(errno.EIO, "I/O error")),
        pytest.raises(OSError, match="I/O"),
    ):
        log.checkpoint()
    assert numbers(tmp_path / "tracking.log") == [1]
    again = opened(tmp_path, note)
    send(again, 2)
    assert numbers(tmp_path / "tracking.log") == [1, 2]


@pytest.mark.parametrize("moved", [True, False])
def test_failed_fsync_before_a_new_file_is_not_noted(tmp_path: Path, *, moved: bool) -> None:
    """Lines that a failed fsync cuts off while the file changes are not covered by a later note."""
    path = tmp_path / "tracking.log"
    log = opened(tmp_path, max_bytes=0 if moved else 2_000)
    send(log, 1)
    note = log.checkpoint()
    send(log, 2)
    if moved:
        path.rename(tmp_path / "tracking.log.1")
    with mock.patch("os.fsync", side_effect=OSError(errno.EIO, "I/O error")):
        outcomes = send(log, *range(3, 9))
    assert isinstance(outcomes[-1], Retry)
    assert isinstance(send(log, 9)[0], Retry)
    with pytest.raises(OSError, match="I/O error"):
        log.checkpoint()
    asyncio.run(log.close())
    log._open(note)
    assert send(log, *range(2, 10)) == [DELIVERED] * 8
    log.checkpoint()
    files = sorted(tmp_path.iterdir(), key=lambda each: each.name, reverse=True)
    assert [number for each in files for number in numbers(each)] == list(range(1, 10))


def test_missing_folder_is_a_sentence_for_the_operator(tmp_path: Path) -> None:
    """A folder that is not there is named, with what to do about it."""
    with pytest.raises(DestinationError, match="is missing; make the folder, or change `path`"):
        make(tmp_path / "gone")._open(None)


def test_folder_that_vanishes_means_retry_until_it_is_back(tmp_path: Path) -> None:
    """Sends wait for the folder and go on when it is back."""
    folder = tmp_path / "logs"
    folder.mkdir()
    log = opened(folder)
    send(log, 1)
    folder.rename(tmp_path / "away")
    assert isinstance(send(log, 2)[0], Retry)
    folder.mkdir()
    assert send(log, 2) == [DELIVERED]
    assert numbers(folder / "tracking.log") == [2]


@given(cut=st.integers(0, 2_000), sent=st.integers(1, 4))
def test_a_torn_tail_is_cut(cut: int, sent: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Wherever a crash tore the file behind the note, each event is in it once afterwards, in order."""
    folder = tmp_path_factory.mktemp("torn")
    path = folder / "tracking.log"
    log = opened(folder)
    send(log, 1, 2)
    note = log.checkpoint()
    noted = path.stat().st_size
    send(log, *range(3, 3 + sent))
    os.truncate(path, min(noted + cut, path.stat().st_size))
    send(opened(folder, note), *range(3, 9))
    assert numbers(path) == list(range(1, 9))


def test_zeros_of_a_power_cut_are_cut(tmp_path: Path) -> None:
    """Blocks that never reached the disk are not taken for lines."""
    path = tmp_path / "tracking.log"
    log = opened(tmp_path)
    send(log, 1)
    note = log.checkpoint()
    send(log, 2)
    size = path.stat().st_size
    send(log, 3, 4)
    with path.open("r+b") as file:
        file.seek(size + 50)
        file.write(bytes(100))
    send(opened(tmp_path, note), 2, 3, 4)
    assert numbers(path) == [1, 2, 3, 4]


@pytest.mark.parametrize("name", ["tracking.log.1", "tracking.log-20261120", "tracking.log.2026-11-20"])
def test_crash_and_rotation_in_between(tmp_path: Path, name: str) -> None:
    """A file moved while the process was down is found, its torn end cut; nothing is in both files."""
    path = tmp_path / "tracking.log"
    log = opened(tmp_path)
    send(log, 1)
    note = log.checkpoint()
    send(log, 2, 3)
    os.truncate(path, path.stat().st_size - 5)
    path.rename(tmp_path / name)
    send(opened(tmp_path, note), 2, 3, 4)
    assert numbers(tmp_path / name) == [1, 2]
    assert numbers(path) == [3, 4]


def test_rotations_between_note_and_crash(tmp_path: Path) -> None:
    """Several files begun since the note are all looked through."""
    path = tmp_path / "tracking.log"
    log = opened(tmp_path)
    send(log, 1)
    note = log.checkpoint()
    send(log, 2)
    path.rename(tmp_path / "tracking.log.2")
    send(log, 3)
    path.rename(tmp_path / "tracking.log.1")
    send(log, 4)
    send(opened(tmp_path, note), 2, 3, 4, 5)
    found = [numbers(tmp_path / each) for each in ("tracking.log.2", "tracking.log.1", "tracking.log")]
    assert found == [[1, 2], [3], [4, 5]]


def test_a_second_crash_before_all_is_found_again(tmp_path: Path) -> None:
    """The note of before the first crash stays until every line behind it was recognised."""
    log = opened(tmp_path)
    send(log, 1)
    note = log.checkpoint()
    send(log, 2, 3, 4)
    second = opened(tmp_path, note)
    assert second.checkpoint() == note
    send(second, 2)
    third = opened(tmp_path, second.checkpoint())
    send(third, 2, 3, 4, 5)
    assert numbers(tmp_path / "tracking.log") == [1, 2, 3, 4, 5]
    assert third.checkpoint() != note


def test_events_may_come_again_in_another_order(tmp_path: Path) -> None:
    """A replay beside live traffic changes the order after a crash; each line is still written once."""
    log = opened(tmp_path)
    note = log.checkpoint()
    send(log, 7, 8, 1, 2)
    again = opened(tmp_path, note)
    send(again, 1, 2, 3)
    send(again, 7, 8, 9)
    assert numbers(tmp_path / "tracking.log") == [7, 8, 1, 2, 3, 9]


def test_an_event_sent_twice_on_purpose_is_there_twice(tmp_path: Path) -> None:
    """Recognising what was written does not swallow a replay."""
    log = opened(tmp_path)
    note = log.checkpoint()
    send(log, 1)
    again = opened(tmp_path, note)
    send(again, 1)
    send(again, 1)
    assert numbers(tmp_path / "tracking.log") == [1, 1]


def test_a_write_of_another_version_is_written_anew(tmp_path: Path) -> None:
    """Lines of another format cannot be recognised: behind the note they are cut off."""
    log = opened(tmp_path)
    send(log, 1)
    note = log.checkpoint()
    assert note is not None
    send(log, 2)
    older = note.replace(f'"format":{FORMAT}', '"format":0')
    assert older != note
    send(opened(tmp_path, older), 2, 3)
    assert numbers(tmp_path / "tracking.log") == [1, 2, 3]


def test_an_inode_used_again_is_not_the_noted_file(tmp_path: Path) -> None:
    """Another file under the noted inode and of sufficient length is not cut."""
    path = tmp_path / "tracking.log"
    log = opened(tmp_path)
    send(log, 1)
    note = log.checkpoint()
    path.write_bytes(b"x" * 10_000)  # in place: the same inode
    send(opened(tmp_path, note), 2)
    content = path.read_bytes()
    assert content.startswith(b"x" * 10_000 + b"\n{")


def test_a_note_nobody_can_read_is_no_note(tmp_path: Path) -> None:
    """A damaged note costs exactness, not delivery."""
    assert send(opened(tmp_path, "{not json"), 1) == [DELIVERED]
