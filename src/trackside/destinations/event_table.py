"""Rows as columns of Arrow: what files of Parquet are made of. pyarrow is large, slow to import, and an extra."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from msgspec.structs import astuple

from trackside.destinations.event_row import COLUMNS, Row

if TYPE_CHECKING:
    import pyarrow as pa

_TIMES: Final = frozenset({"timestamp", "received_at"})


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
