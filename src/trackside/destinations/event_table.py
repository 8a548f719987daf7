"""Rows as columns of Arrow: what files of Parquet are made of. pyarrow is large, slow to import, and an extra."""

from collections.abc import Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import astuple

from trackside.destinations.event_json import may_have_half_pairs, without_half_pairs
from trackside.destinations.event_row import COLUMNS, Row, to_row
from trackside.event import Event

if TYPE_CHECKING:
    import pyarrow as pa

_TIMES: Final = frozenset({"timestamp", "received_at"})
_JSON: Final = frozenset({"data", "context", "extra"})


def row_fields() -> "list[pa.Field]":
    """Return name and type of each column: texts, and times in UTC with microseconds."""
    import pyarrow as pa

    time = pa.timestamp("us", tz="UTC")
    return [pa.field(name, time if name in _TIMES else pa.string()) for name in COLUMNS]


def row_arrays(rows: Sequence[Row]) -> "list[pa.Array]":
    """Return the values of each column."""
    import pyarrow as pa

    columns = zip(*map(astuple, rows), strict=True) if rows else [()] * len(COLUMNS)
    return [pa.array(column, field.type) for column, field in zip(columns, row_fields(), strict=True)]


def event_arrays(events: Sequence[Event]) -> "list[pa.Array]":
    """Return the values of each column of the rows of `events`, without making the rows where that can be."""
    import pyarrow as pa

    try:
        return [pa.array(_column(events, field.name), field.type) for field in row_fields()]
    except UnicodeEncodeError:
        return row_arrays(list(map(to_row, events)))


def _column(events: Sequence[Event], name: str) -> list[Any]:
    values = list(map(attrgetter(name), events))
    if name not in _JSON:
        return values
    texts = list(map(bytes, values))
    return list(map(without_half_pairs, texts)) if may_have_half_pairs(b"".join(texts)) else texts
