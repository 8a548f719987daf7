"""Rows as columns: the same whether the rows are made or not."""

import json

import pyarrow as pa
import pytest
from msgspec import Raw
from msgspec.structs import replace

from trackside.destinations.event_row import COLUMNS, to_row
from trackside.destinations.event_table import event_arrays, row_arrays, row_fields
from trackside.event import Event
from trackside.testing.destination_contract import make_event

PLAIN = [make_event(number) for number in range(3)]
HALF = make_event(4, data=json.dumps({"half": "\ud800", "whole": "\U0001d11e", "slash": "\\ud800"}).encode())
NOBODY = replace(make_event(5), user_id=None, sent_at="yesterday", extra=Raw('{"ü":"\\n"}'.encode()))
HALF_TEXT = replace(make_event(6), user_id="a\ud800b")


@pytest.mark.parametrize("events", [[], PLAIN, [*PLAIN, HALF, NOBODY], [*PLAIN, HALF_TEXT, HALF]])
def test_columns_of_events_are_those_of_their_rows(events: list[Event]) -> None:
    found = event_arrays(events)
    assert found == row_arrays(list(map(to_row, events)))
    assert [array.type for array in found] == [field.type for field in row_fields()]
    assert [field.name for field in row_fields()] == list(COLUMNS)


def test_half_a_pair() -> None:
    """In JSON it is U+FFFD, in an event's own texts a question mark."""
    columns = dict(zip(COLUMNS, event_arrays([HALF, HALF_TEXT]), strict=True))
    data = json.loads(columns["data"][0].as_py())
    assert data == {"half": "\ufffd", "whole": "\U0001d11e", "slash": "\\ud800"}
    assert columns["user_id"] == pa.array(["4", "a?b"])
