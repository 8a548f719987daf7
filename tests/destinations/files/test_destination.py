"""Which files there are, when readers see them, and what is in them."""

import asyncio
import errno
import json
import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from msgspec import Raw
from msgspec.structs import replace

from tests.destinations.files.reading import files_in, ids_in, ids_of, lines_of
from trackside.destinations.base import DELIVERED, Delivery, Outcome, Unsent
from trackside.destinations.files import Files, FilesSettings, missing_library
from trackside.destinations.files.layout import OPEN
from trackside.destinations.files.parts import MOST_OPEN
from trackside.errors import DestinationError
from trackside.testing.destination_contract import deliveries, make_event


class Place:
    """Files below a folder, and a clock that is turned by hand. Its methods block."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self.at_s = 0.0
        given = FilesSettings(**{"compression": "none", **settings})
        self.files = Files(folder, given, monotonic=lambda: self.at_s)

    def open(self, note: str | None = None) -> "Place":
        """Open without the task that finishes files by age."""
        self.files._open(note)
        return self

    def send(self, batch: Sequence[Delivery]) -> Sequence[Outcome]:
        """Return the outcomes."""
        return self.files._send(batch)[0]

    def close(self) -> None:
        """Close."""
        self.files._close()

    @property
    def seen(self) -> list[str]:
        """The ids that readers find."""
        return ids_in(self.folder)

    @property
    def journals(self) -> list[str]:
        """The names of the journals."""
        return sorted(path.name for path in (self.folder / OPEN).iterdir())


def on_day(day: int, *numbers: int) -> list[Delivery]:
    """Return deliveries of events that were received on that day of November 2026, shortly before midnight."""
    at = datetime(2026, 11, day, 23, 59, 59, 999_999, tzinfo=UTC)
    return [Delivery(each.position, replace(each.event, received_at=at)) for each in deliveries(*numbers)]


def test_one_folder_a_day_of_receiving(tmp_path: Path) -> None:
    """Not of `timestamp`: what a phone brings a week later does not change a day that is over."""
    place = Place(tmp_path).open()
    late = replace(make_event(3), timestamp=datetime(2025, 1, 1, tzinfo=UTC))
    place.send([*on_day(19, 1), *on_day(20, 2), Delivery(3, late)])
    place.close()
    found = {str(path.relative_to(tmp_path)): ids_of(path) for path in files_in(tmp_path)}
    assert found == {
        "date=2026-11-19/000000000001.jsonl": ["event-1"],
        "date=2026-11-20/000000000002.jsonl": ["event-2", "event-3"],
    }


def test_lines_are_the_json_object_of_an_event(tmp_path: Path) -> None:
    """The same that receivers of a webhook get."""
    place = Place(tmp_path).open()
    place.send([Delivery(1, make_event(1, data=b'{"a":\n1e999}'))])
    place.close()
    (line,) = lines_of(files_in(tmp_path)[0])
    assert line.startswith(
        b'{"id":"event-1","name":"Lesson Opened","type":"track","timestamp":"2026-11-20T12:00:01'
    )
    assert line.endswith(b'"data":{"a": 1e999},"context":{}}')


def test_readers_see_a_file_when_it_is_old_enough(tmp_path: Path) -> None:
    """Not before, and then whole; the next event begins another."""
    place = Place(tmp_path, max_age_s=60).open()
    place.send(deliveries(1))
    place.at_s = 59.0
    place.send(deliveries(2))
    assert place.files._finish_due() == 1.0
    assert place.seen == []
    place.at_s = 60.0
    assert place.files._finish_due() is None
    assert place.seen == ["event-1", "event-2"]
    place.send(deliveries(3))
    place.close()
    assert [ids_of(path) for path in files_in(tmp_path)] == [["event-1", "event-2"], ["event-3"]]


def test_readers_see_a_file_when_it_is_large_enough(tmp_path: Path) -> None:
    place = Place(tmp_path, max_bytes=4_096).open()
    long = b'{"x":"' + b"y" * 3_000 + b'"}'
    place.send([Delivery(1, make_event(1, data=long))])
    assert place.seen == []
    place.send([Delivery(2, make_event(2, data=long))])
    assert place.seen == ["event-1", "event-2"]


def test_files_are_finished_by_age_while_nothing_is_sent(tmp_path: Path) -> None:
    """By the destination itself: nobody calls it while there are no events."""

    async def scenario() -> None:
        files = Files(tmp_path, FilesSettings(max_age_s=0.05, compression="none"))
        await files.open(None)
        for number in (1, 2):
            await files.send(deliveries(number))
            until = time.monotonic() + 10
            while len(files_in(tmp_path)) < number:
                assert time.monotonic() < until
                await asyncio.sleep(0.01)
        await files.close()

    asyncio.run(scenario())
    assert ids_in(tmp_path) == ["event-1", "event-2"]


def test_a_journal_stays_until_a_note_that_covers_it_is_kept(tmp_path: Path) -> None:
    """It is how a later process knows what is in the file."""
    place = Place(tmp_path, max_age_s=60).open()
    place.send(deliveries(1))
    place.at_s = 60.0
    place.files._finish_due()
    place.send(deliveries(2))
    assert len(place.journals) == 2
    place.files.checkpoint()
    assert len(place.journals) == 2  # the note may not be kept
    place.send(deliveries(3))  # but then nothing would be sent
    assert place.journals == ["2026-11-20_000000000002.jsonl.journal"]


def test_what_readers_saw_and_nobody_noted_is_not_written_again(tmp_path: Path) -> None:
    """It comes again after a crash, in another order even, and is looked up."""
    first = Place(tmp_path, max_age_s=60).open()
    first.send(deliveries(1, 2))
    note = first.files.checkpoint()
    first.send(deliveries(3, 4, 5))
    first.at_s = 60.0
    first.files._finish_due()  # the process ends here
    second = Place(tmp_path).open(note)
    assert second.send(deliveries(4, 3)) == [DELIVERED] * 2
    third = Place(tmp_path).open(second.files.checkpoint())  # and once more
    assert third.send(deliveries(5, 6)) == [DELIVERED] * 2
    third.close()
    assert ids_in(tmp_path) == [f"event-{n}" for n in range(1, 7)]


def test_what_nobody_saw_and_nobody_noted_is_cut_off(tmp_path: Path) -> None:
    """It comes again; a torn line with it."""
    first = Place(tmp_path).open()
    first.send(deliveries(1))
    note = first.files.checkpoint()
    first.send(deliveries(2, 3))
    (name,) = first.journals
    with (tmp_path / OPEN / name).open("ab") as journal:
        journal.write(b'{"id":"ev')
    second = Place(tmp_path).open(note)
    assert second.seen == ["event-1"]
    second.send(deliveries(2, 3))
    second.close()
    assert ids_in(tmp_path) == ["event-1", "event-2", "event-3"]


def test_a_folder_of_somebody_who_is_gone(tmp_path: Path) -> None:
    """Journals without a note are finished, not removed: their events may be nowhere else."""
    first = Place(tmp_path).open()
    first.send(deliveries(1, 2))
    (name,) = first.journals
    with (tmp_path / OPEN / name).open("ab") as journal:
        journal.write(b'{"id":"ev')
    second = Place(tmp_path).open(None)
    assert second.seen == ["event-1", "event-2"]
    second.send(deliveries(1))
    second.close()
    assert second.seen == ["event-1", "event-2", "event-1"]  # sent anew


def test_another_folder_and_another_format_after_a_crash(tmp_path: Path) -> None:
    """What was begun is finished where and as it was begun."""
    first = Place(tmp_path / "old", format="parquet", compression="zstd").open()
    first.send(deliveries(1))
    note = first.files.checkpoint()
    first.send(deliveries(2))
    second = Place(tmp_path / "new").open(note)
    second.send(deliveries(2))
    second.close()
    assert ids_in(tmp_path / "old") == ["event-1"]
    assert ids_in(tmp_path / "new") == ["event-2"]


def test_a_full_disk_leaves_no_half_line(tmp_path: Path) -> None:
    """Nothing of what did not fit as a whole is in a file, and it comes again."""
    place = Place(tmp_path).open()
    place.send(deliveries(1))
    real = os.write
    rooms = [300, 0]

    def write(fd: int, data: bytes) -> int:
        room = rooms.pop(0) if rooms else 0
        if not room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(fd, data[:room])

    with mock.patch("os.write", write), mock.patch("os.truncate", side_effect=OSError(errno.EIO, "gone too")):
        outcomes = place.send(deliveries(2, 3))
    assert all(isinstance(outcome, Unsent) and outcome.rest_s > 0 and outcome.reason for outcome in outcomes)
    assert place.send(deliveries(2, 3)) == [DELIVERED] * 2
    place.close()
    assert place.seen == ["event-1", "event-2", "event-3"]


def test_a_file_that_cannot_be_finished_is_tried_again(tmp_path: Path) -> None:
    """Its events are safe in the journal; new ones go on."""
    place = Place(tmp_path, max_age_s=60).open()
    place.send(deliveries(1))
    place.at_s = 60.0
    with mock.patch("shutil.copyfile", side_effect=OSError(errno.ENOSPC, "full")):
        assert place.files._finish_due() == 10.0
        assert place.send(deliveries(2)) == [DELIVERED]
    assert place.seen == []
    place.at_s = 70.0
    place.files._finish_due()
    assert place.seen == ["event-1"]


def test_a_replay_of_many_days_keeps_few_files_open(tmp_path: Path) -> None:
    place = Place(tmp_path).open()
    for day in range(1, 29):
        place.send(on_day(day, day))
        assert place.files._parts is not None
        assert len(place.files._parts._open) <= MOST_OPEN
    place.close()
    assert sorted(ids_in(tmp_path)) == sorted(f"event-{n}" for n in range(1, 29))


def test_the_same_positions_again_are_files_of_their_own(tmp_path: Path) -> None:
    """A replay that an operator asked for overwrites nothing."""
    place = Place(tmp_path, max_age_s=1).open()
    for turn in range(3):
        place.send(deliveries(1))
        place.at_s = 2.0 * (turn + 1)
        place.files._finish_due()
    assert [path.name for path in files_in(tmp_path)] == [
        "000000000001.jsonl",
        "000000000001_2.jsonl",
        "000000000001_3.jsonl",
    ]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DestinationError, match="cannot write below"):
        Place(tmp_path / "file" / "events").open()


def test_parquet_without_its_library(tmp_path: Path) -> None:
    """It is said what to install, and the other format needs nothing."""
    with mock.patch("trackside.destinations.files.formats.find_spec", return_value=None):
        reason = missing_library(FilesSettings(format="parquet"))
        assert reason is not None
        assert "trackside[parquet]" in reason
        assert missing_library(FilesSettings()) is None
        with pytest.raises(DestinationError, match="pyarrow is not installed"):
            asyncio.run(Files(tmp_path, FilesSettings(format="parquet")).open(None))


def some_days(folder: Path, **settings: Any) -> None:
    """Write events of two days."""
    place = Place(folder, **settings).open()
    data = json.dumps({"course": "course-v1:edX+DemoX", "n": 7, "half": "\ud800", "nul": "\0"}).encode()
    rich = replace(
        make_event(2, data=data, context=b'{"ip":"192.0.2.7"}'),
        user_id=None,
        anonymous_id="a\ud800b",
        original_timestamp="yesterday",
        extra=Raw(b'{"groupId":"g"}'),
        received_at=datetime(2026, 11, 21, 8, tzinfo=UTC),
        timestamp=datetime(2026, 11, 21, 7, 59, 59, 123_456, tzinfo=UTC),
    )
    place.send([*deliveries(1), Delivery(2, rich), *deliveries(3)])
    place.close()


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_pyarrow_reads_parquet(tmp_path: Path, compression: str) -> None:
    """The columns have types, and the days are one."""
    some_days(tmp_path, format="parquet", compression=compression)
    schema = pq.read_schema(files_in(tmp_path)[0])
    assert schema.field("timestamp").type == pa.timestamp("us", tz="UTC")
    assert schema.field("data").type == pa.string()
    table = ds.dataset(tmp_path, partitioning="hive").to_table().sort_by("id")
    first, second, _ = table.to_pylist()
    assert (first["id"], first["user_id"], first["data"], first["extra"]) == ("event-1", "1", "{}", "{}")
    assert second["user_id"] is None
    assert second["anonymous_id"] == "a?b"
    assert second["original_timestamp"] == "yesterday"
    assert second["timestamp"] - second["received_at"] == timedelta(microseconds=-876_544)
    assert json.loads(second["data"]) == {
        "course": "course-v1:edX+DemoX",
        "n": 7,
        "half": "\ufffd",
        "nul": "\0",
    }
    assert json.loads(second["extra"]) == {"groupId": "g"}
    assert str(second["date"]) == "2026-11-21"


def query(statement: str) -> list[tuple[Any, ...]]:
    """Return the rows that DuckDB finds."""
    found = duckdb.sql(statement)
    assert found is not None
    return found.fetchall()


def test_duckdb_reads_parquet(tmp_path: Path) -> None:
    """As the how-to says."""
    some_days(tmp_path, format="parquet")
    rows = query(
        f"""SELECT date, count(*), max(context ->> '$.ip')
            FROM read_parquet('{tmp_path}/*/*.parquet', hive_partitioning = true)
            GROUP BY date ORDER BY date"""
    )
    assert [(str(day), count, ip) for day, count, ip in rows] == [
        ("2026-11-20", 2, None),
        ("2026-11-21", 1, "192.0.2.7"),
    ]


def test_duckdb_reads_json_lines(tmp_path: Path) -> None:
    """Compressed, as the how-to says."""
    some_days(tmp_path, compression="gzip")
    rows = query(
        f"SELECT id, original_timestamp FROM read_json('{tmp_path}/*/*.jsonl.gz',"
        " columns = {id: 'VARCHAR', original_timestamp: 'VARCHAR'}) ORDER BY id"
    )
    assert rows == [("event-1", None), ("event-2", "yesterday"), ("event-3", None)]
