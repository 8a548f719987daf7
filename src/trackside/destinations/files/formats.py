"""What a line is while a file is written, and what it is made into when the file is finished."""

import shutil
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Final

import msgspec
from msgspec import Struct

from trackside.destinations.compression import Compression, compressed
from trackside.destinations.event_json import json_line, without_half_pairs
from trackside.destinations.event_row import Row, to_row
from trackside.destinations.event_table import row_arrays, row_fields
from trackside.destinations.files.settings import FilesSettings
from trackside.event import Event

ROWS_AT_ONCE: Final = 10_000
GROUP_BYTES: Final = 16_777_216
COPIED_BYTES: Final = 1_048_576


class Format(Struct, frozen=True, kw_only=True):
    """A format as its suffix says it."""

    line: Callable[[Event], bytes]
    """Event → its line in the journal, without its end; always the same bytes for the same event."""
    finish: Callable[[Path, Path], None]
    """Make the whole journal into the file at the second path. Raises OSError."""


_ENCODER = msgspec.json.Encoder()
_ROWS = msgspec.json.Decoder(Row)


def suffix_for(settings: FilesSettings) -> str:
    """Return the end of the names of files that are written as the settings say."""
    if settings.format == "parquet":
        return {"none": ".plain.parquet", "gzip": ".gz.parquet", "zstd": ".parquet"}[settings.compression]
    return {"none": ".jsonl", "gzip": ".jsonl.gz", "zstd": ".jsonl.zst"}[settings.compression]


def format_of(suffix: str) -> Format | None:
    """Return the format of files with this suffix; None for one that this version does not write."""
    return _FORMATS.get(suffix)


def missing_library(settings: FilesSettings) -> str | None:
    """Return what has to be installed for these settings, as a sentence; None where all is there."""
    if settings.format == "parquet" and find_spec("pyarrow") is None:
        return "format is parquet, and pyarrow is not installed; pip install 'trackside[parquet]'"
    return None


def _json_line(event: Event) -> bytes:
    return without_half_pairs(json_line(event))


def _row_line(event: Event) -> bytes:
    return _ENCODER.encode(to_row(event))


def _copy(journal: Path, target: Path) -> None:
    shutil.copyfile(journal, target)


def _compress(compression: Compression) -> Callable[[Path, Path], None]:
    def finish(journal: Path, target: Path) -> None:
        size_bytes = journal.stat().st_size
        with (
            journal.open("rb") as lines,
            target.open("wb") as file,
            compressed(file, compression, size_bytes=size_bytes) as stream,
        ):
            shutil.copyfileobj(lines, stream, COPIED_BYTES)

    return finish


def _parquet(compression: Compression) -> Callable[[Path, Path], None]:
    def finish(journal: Path, target: Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        schema = pa.schema(row_fields())
        with (
            journal.open("rb") as lines,
            pq.ParquetWriter(target, schema, compression=compression) as writer,
        ):
            for rows in _groups(lines):
                writer.write_table(pa.Table.from_arrays(row_arrays(rows), schema=schema))

    return finish


def _groups(lines: IO[bytes]) -> Iterator[list[Row]]:
    """Return some thousand rows at a time."""
    rows: list[Row] = []
    size = 0
    for line in lines:
        rows.append(_ROWS.decode(line))
        size += len(line)
        if len(rows) == ROWS_AT_ONCE or size >= GROUP_BYTES:
            yield rows
            rows, size = [], 0
    if rows:
        yield rows


_FORMATS: Final = {
    ".jsonl": Format(line=_json_line, finish=_copy),
    ".jsonl.gz": Format(line=_json_line, finish=_compress("gzip")),
    ".jsonl.zst": Format(line=_json_line, finish=_compress("zstd")),
    ".plain.parquet": Format(line=_row_line, finish=_parquet("none")),
    ".gz.parquet": Format(line=_row_line, finish=_parquet("gzip")),
    ".parquet": Format(line=_row_line, finish=_parquet("zstd")),
}
