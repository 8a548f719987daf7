"""Events as rows: the same whether their data was JSON already or not."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from msgspec.structs import replace

from trackside.django.outbox.rows import decode_event, encode_row, encode_written_row
from trackside.emitted import Unencodable, WrittenEvent
from trackside.emitted.identity import sending_as

AT = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
ID = "78cd35f8-e517-11f1-94f2-0242ac120002"
EVENT = WrittenEvent(ID, "n", AT, b'{"a":"\xc3\xa9\x7f"}', {"b": AT}, "7", b',"x":[1],"y":true')


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"user_id": None, "extra": b""},
        {"id": "é" * 32},
        {"id": "\ud800"},
        {"name": "\ud800 é"},
        {"context": {"b": "\ud800", 1: {"é"}}},
        {"timestamp": AT.replace(tzinfo=timezone(timedelta(hours=2)))},
        {"timestamp": datetime.max.replace(tzinfo=UTC)},
        {"timestamp": datetime.min.replace(tzinfo=timezone(timedelta(hours=2)))},
    ],
)
def test_written_events(said: dict[str, Any]) -> None:
    """In ASCII, with the id that they have."""
    event = replace(EVENT, **said)
    written = encode_written_row(event, "t")
    with sending_as(event.id):
        made = encode_row(event.event(), "t")
    assert decode_event(written.body) == decode_event(made.body)
    assert (written.tracker, written.emitted_us) == (made.tracker, made.emitted_us)
    assert written.body.isascii()


@pytest.mark.parametrize(
    ("id_", "row_id"), [(ID, ID.replace("-", "")), ("é" * 32, None), ("a", None), ("-", None)]
)
def test_the_ids_of_rows(id_: str, row_id: str | None) -> None:
    """The digits of a UUID that the event has, so that somebody finds it; else new ones."""
    found = encode_written_row(replace(EVENT, id=id_), "t").event_id
    assert found == row_id or (row_id is None and len(found) == 32 and found.isascii())


def test_what_has_no_json() -> None:
    """Says so."""
    with pytest.raises(Unencodable):
        encode_written_row(replace(EVENT, context={"a": object()}), "t")


@pytest.mark.parametrize("year", [1, 1969, 2026, 9999])
def test_the_time_is_that_of_the_event(year: int) -> None:
    """Of whatever year: outside of a transaction it is kept, too."""
    at = AT.replace(year=year)
    assert decode_event(encode_written_row(replace(EVENT, timestamp=at), "t").body)["timestamp"] == at
    assert decode_event(encode_row({**EVENT.event(), "timestamp": at}, "t").body)["timestamp"] == at


@pytest.mark.parametrize("timestamp", ["soon", "", None, 7])
def test_a_row_without_a_time(timestamp: object) -> None:
    """Is no event."""
    body = json.dumps({"name": "n", "timestamp": timestamp})
    with pytest.raises(ValueError, match="wants a name and a timestamp"):
        decode_event(body)
