"""Events as rows of a Parquet file: the columns of the other tables and files, with `position` before them."""

from collections.abc import Sequence
from typing import IO, Final, cast

from trackside.destinations.event_table import event_arrays, row_fields
from trackside.event import Event
from trackside.export.sink import Sink

GROUP_ROWS: Final = 131_072
GROUP_BYTES: Final = 67_108_864
"""A group of rows is in memory until it is written: about so much, before compression."""


class ParquetWriter:
    """Writes groups of rows; memory grows with a group, not with the file."""

    def __init__(self, sink: Sink) -> None:
        import pyarrow as pa  # large, slow to import, and an extra
        import pyarrow.parquet as pq

        first = [pa.field("position", pa.int64(), nullable=False)]
        last = [pa.field("skew_ms", pa.int64()), pa.field("clock_flags", pa.list_(pa.string()))]
        self._schema = pa.schema([*first, *row_fields(), *last])
        self._writer = pq.ParquetWriter(cast("IO[bytes]", sink), self._schema, compression="zstd")
        self._batches: list[pa.RecordBatch] = []
        self._rows = 0
        self._bytes = 0

    def write(self, positions: Sequence[int], events: Sequence[Event]) -> int:
        """Take rows, all of them: return 0. Raises OSError where a group that is full cannot be written."""
        import pyarrow as pa

        batch = pa.RecordBatch.from_arrays(
            [
                pa.array(positions, pa.int64()),
                *event_arrays(events),
                pa.array([event.skew_ms for event in events], pa.int64()),
                pa.array([event.clock_flags for event in events], pa.list_(pa.string())),
            ],
            schema=self._schema,
        )
        self._batches.append(batch)
        self._rows += batch.num_rows
        self._bytes += batch.nbytes
        if self._rows >= GROUP_ROWS or self._bytes >= GROUP_BYTES:
            self._write_group()
        return 0

    def _write_group(self) -> None:
        import pyarrow as pa

        table = pa.Table.from_batches(self._batches, schema=self._schema)
        self._writer.write_table(table, row_group_size=max(1, self._rows))
        self._batches, self._rows, self._bytes = [], 0, 0

    def finish(self) -> None:
        """Write what is left, and the file's end. Raises OSError."""
        if self._batches:
            self._write_group()
        self._writer.close()
