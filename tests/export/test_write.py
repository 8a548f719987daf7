"""What is in a file is what the log holds, in each format."""

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import asdict, replace

from tests.export.reading import all_events, exported, lines_of, objects_of, rows_of
from trackside.config.settings import LogSettings
from trackside.destinations.event_row import COLUMNS
from trackside.destinations.tracking_log.line import render
from trackside.event import Batch, Event
from trackside.export import parquet
from trackside.export.form import Form
from trackside.export.json_lines import EventLine
from trackside.export.selection import Selection
from trackside.export.sink import Sink
from trackside.export.write import write_events
from trackside.log.base import Log, append_and_wait
from trackside.log.memory import MemoryLog
from trackside.log.sqlite import SQLiteLog
from trackside.testing.destination_contract import ODD_JSON
from trackside.testing.log_values import append, make_event

JSON = Form("jsonl")
PARQUET = Form("parquet")
TIMES = ("timestamp", "received_at", "original_timestamp", "sent_at")


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SQLiteLog]:
    made = SQLiteLog(tmp_path / "data", LogSettings())
    yield made
    made.close()


texts = st.text(max_size=8)
moments = st.datetimes(timezones=st.just(UTC))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
half_pairs = st.text(st.sampled_from("a\ud800\udc00\U0001d11e\\\n\0"), max_size=6)
raws = st.builds(
    lambda value, escaped: Raw(json.dumps(value, ensure_ascii=escaped, separators=(",", ":")).encode()),
    st.dictionaries(texts, json_values, max_size=3),
    st.booleans(),
) | st.builds(lambda text: Raw(json.dumps({"t": text}).encode()), half_pairs)
events = st.builds(
    Event,
    id=st.uuids().map(str),
    name=texts,
    type=st.sampled_from(["track", "identify", "page"]),
    source=st.sampled_from(["web", "tracker"]),
    timestamp=moments,
    received_at=moments,
    data=raws,
    context=raws,
    user_id=st.none() | texts,
    anonymous_id=st.none() | texts,
    original_timestamp=st.none() | texts,
    sent_at=st.none() | texts,
    skew_ms=st.none() | st.integers(-(10**14), 10**14),
    clock_flags=st.lists(st.sampled_from(["naive", "future", "no_sent_at"]), max_size=2).map(tuple),
    extra=raws,
)


def whole_pairs(value: Any) -> Any:
    """Return what was decoded from JSON with U+FFFD for each half of a surrogate pair."""
    text = json.dumps(value, ensure_ascii=False)
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return json.loads(text)


def expected(position: int, event: Event, as_time: Any) -> dict[str, Any]:
    """Return the event as readers should find it, its JSON decoded."""
    found = {"position": position, **asdict(event)}
    for name in ("data", "context", "extra"):
        found[name] = whole_pairs(json.loads(bytes(found[name])))
    for name in ("timestamp", "received_at"):
        found[name] = as_time(found[name])
    return {**found, "clock_flags": list(event.clock_flags)}


@given(st.lists(events, min_size=1, max_size=12))
def test_files_hold_what_the_log_holds(made: list[Event]) -> None:
    """Every field of every event: the moments to the microsecond, the JSON by its values."""
    log = MemoryLog(LogSettings(engine="memory"))
    append_and_wait(log, Batch(events=made, size_bytes=1))
    held = all_events(log)
    lines = objects_of(exported(log, JSON))
    for line in lines:
        line |= {name: datetime.fromisoformat(line[name]) for name in ("timestamp", "received_at")}
    assert lines == [expected(position, event, lambda moment: moment) for position, event in held]
    rows = rows_of(exported(log, PARQUET))
    for row in rows:
        row |= {name: json.loads(row[name]) for name in ("data", "context", "extra")}
    assert rows == [expected(position, event, lambda moment: moment) for position, event in held]
    log.close()


def test_lines_have_the_fields_of_an_event() -> None:
    """A field that events get must not be missed here."""
    assert EventLine.__struct_fields__ == ("position", *Event.__struct_fields__)


@pytest.mark.parametrize("form", [JSON, PARQUET, Form("tracking-log")])
def test_no_event_is_lost_for_what_is_in_it(log: SQLiteLog, form: Form) -> None:
    """Half pairs, huge numbers, deep nesting, NULs, times at the ends of the calendar, line breaks in JSON."""
    odd = [
        *ODD_JSON[:2],
        b'{"deep":' + b"[" * 300 + b"]" * 300 + b"}",
        b'{"nul":"\\u0000"}',
        b'{"two":\n"lines"}',
    ]
    made = [make_event(number, data=data) for number, data in enumerate(odd)]
    early, late = (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC))
    made += [
        replace(make_event(20 + at), timestamp=moment, received_at=moment)
        for at, moment in enumerate((early, late))
    ]
    made.append(replace(make_event(30), name="nul \0", user_id="\u2028", original_timestamp="no time"))
    append(log, *made)
    raw = exported(log, form)
    assert len(rows_of(raw) if form == PARQUET else lines_of(raw)) == len(made)


@pytest.mark.parametrize("form", [JSON, PARQUET, Form("tracking-log")])
def test_half_a_pair_in_an_event_s_own_texts(form: Form) -> None:
    """The log on disk takes none; another engine's may."""
    log = MemoryLog(LogSettings(engine="memory"))
    append(log, *(replace(make_event(1), id=each, user_id=each) for each in ("user-1", "a\ud800b", "user-3")))
    raw = exported(log, form)
    if form.format == "tracking-log":
        found = [json.loads(line)["context"]["user_id"] for line in lines_of(raw)]
    else:
        found = [each["user_id"] for each in (rows_of(raw) if form == PARQUET else objects_of(raw))]
    assert list(map(str, found)) == ["user-1", "a?b", "user-3"]
    log.close()


def test_json_stands_as_it_came(log: SQLiteLog) -> None:
    """Numbers keep their digits."""
    data = b'{"price":1.50,"big":%s,"e":1E3}' % (b"7" * 400)
    append(log, make_event(1, data=data))
    assert b'"data":' + data in exported(log, JSON)
    assert rows_of(exported(log, PARQUET))[0]["data"] == data.decode()


def test_a_log_without_events(log: SQLiteLog) -> None:
    """An empty file, and a table with columns and no rows."""
    assert exported(log, JSON) == b""
    table = pq.read_table(io.BytesIO(exported(log, PARQUET)))
    assert table.num_rows == 0
    assert table.column_names == ["position", *COLUMNS, "skew_ms", "clock_flags"]


def test_the_types_of_the_columns(log: SQLiteLog) -> None:
    append(log, make_event(1))
    schema = pq.read_schema(io.BytesIO(exported(log, PARQUET)))
    time = pa.timestamp("us", tz="UTC")
    typed = {field.name: field.type for field in schema}
    own = {"position": pa.int64(), "timestamp": time, "received_at": time, "skew_ms": pa.int64()}
    assert typed == {**dict.fromkeys(COLUMNS, pa.string()), **own, "clock_flags": pa.list_(pa.string())}


def test_duckdb_reads_both(log: SQLiteLog, tmp_path: Path) -> None:
    """With the same names; half a pair, which it does not read, is not in them."""
    append(log, *(make_event(number, data=b'{"half":"\\ud800","n":%d}' % number) for number in range(3)))
    (tmp_path / "a.jsonl").write_bytes(exported(log, JSON))
    (tmp_path / "a.parquet").write_bytes(exported(log, PARQUET))
    for file in ("a.jsonl", "a.parquet"):
        question = f"SELECT position, id, CAST(data AS JSON) ->> '$.n', received_at FROM '{tmp_path / file}' ORDER BY 1"
        found = duckdb.sql(question)
        assert found is not None
        assert [row[:3] for row in found.fetchall()] == [(n + 1, f"event-{n}", str(n)) for n in range(3)]


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_compressed_lines(log: SQLiteLog, compression: Any) -> None:
    """They decompress to the plain ones, and the same events give the same bytes."""
    append(log, *map(make_event, range(2_500)))
    raw = exported(log, Form("jsonl", compression))
    assert lines_of(raw, compression) == lines_of(exported(log, JSON))
    assert raw == exported(log, Form("jsonl", compression))


def test_lines_of_the_tracking_log(log: SQLiteLog) -> None:
    """They are those of the destination."""
    append(log, *map(make_event, range(300)))
    assert exported(log, Form("tracking-log")) == render([event for _, event in all_events(log)])


def test_an_event_that_is_no_line_of_a_tracking_log(log: SQLiteLog, caplog: pytest.LogCaptureFixture) -> None:
    """It is counted, and costs the others nothing."""
    append(log, *map(make_event, range(5)))
    file = io.BytesIO()

    def refusing(events: Any) -> bytes:
        listed = list(events)
        if any(event.id == "event-2" for event in listed):
            raise ValueError
        return render(listed)

    with (
        mock.patch("trackside.export.tracking_log.render_lines", refusing),
        mock.patch("trackside.destinations.tracking_log.line.render", refusing),
    ):
        done = write_events(log, Selection(first=1, last=5), Form("tracking-log"), Sink(file))
    assert (done.events, done.left_out, len(lines_of(file.getvalue()))) == (4, 1, 4)
    assert "cannot be written as a line" in caplog.text


def test_groups_of_rows_are_bounded(log: SQLiteLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """By their number, and by what they hold."""
    append(log, *map(make_event, range(3_000)))
    monkeypatch.setattr(parquet, "GROUP_ROWS", 1_500)
    assert 1_500 <= max(_group_rows(log)) < 3_000
    monkeypatch.setattr(parquet, "GROUP_ROWS", 10**9)
    assert _group_rows(log) == {3_000}
    monkeypatch.setattr(parquet, "GROUP_BYTES", 100_000)
    assert max(_group_rows(log)) < 3_000


def _group_rows(log: Log) -> set[int]:
    found = pq.ParquetFile(io.BytesIO(exported(log, PARQUET))).metadata
    return {found.row_group(at).num_rows for at in range(found.num_row_groups)}


@pytest.mark.parametrize("form", [JSON, Form("jsonl", "gzip"), Form("jsonl", "zstd"), PARQUET])
def test_a_place_that_takes_nothing_more(log: SQLiteLog, form: Form) -> None:
    """Its error comes through, and nothing is written after it, not even when all is cleared away."""

    class Full(io.BytesIO):
        taken = 0

        def write(self, data: Any, /) -> int:
            self.taken += 1
            raise OSError(28, "No space left on device")

    append(log, *map(make_event, range(3_000)))
    file = Full()
    with pytest.raises(OSError, match="No space left"):
        write_events(log, Selection(first=1, last=3_000), form, Sink(file))
    assert file.taken == 1


def test_progress_goes_up_to_the_end(log: SQLiteLog) -> None:
    append(log, *map(make_event, range(3_000)))
    told: list[int] = []
    write_events(log, Selection(first=1, last=2_999), JSON, Sink(io.BytesIO()), progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 2_999
