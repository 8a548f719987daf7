"""What a line is while a file is written, and what it is made into when the file is finished."""

import gzip
import shutil
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, Final

import msgspec
import zstandard
from msgspec import Struct

from trackside.destinations.event_json import json_line, without_half_pairs
from trackside.destinations.event_row import COLUMNS, Row, to_row
from trackside.destinations.files.settings import FilesSettings
from trackside.event import Event

ROWS_AT_ONCE: Final = 10_000
GROUP_BYTES: Final = 16_777_216
COPIED_BYTES: Final = 1_048_576
_TIMES: Final = frozenset({"timestamp", "received_at"})


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


def _gzip(journal: Path, target: Path) -> None:
    with journal.open("rb") as lines, gzip.GzipFile(target, "wb", compresslevel=6, mtime=0) as file:
        shutil.copyfileobj(lines, file, COPIED_BYTES)


def _zstd(journal: Path, target: Path) -> None:
    compressor = zstandard.ZstdCompressor(level=3, write_content_size=True, write_checksum=True)
    with journal.open("rb") as lines, target.open("wb") as file:
        compressor.copy_stream(lines, file, size=journal.stat().st_size)


def _parquet(compression: str) -> Callable[[Path, Path], None]:
    def finish(journal: Path, target: Path) -> None:
        import pyarrow as pa  # large, slow to import, and an extra
        import pyarrow.parquet as pq

        time = pa.timestamp("us", tz="UTC")
        schema = pa.schema([(name, time if name in _TIMES else pa.string()) for name in COLUMNS])
        with (
            journal.open("rb") as lines,
            pq.ParquetWriter(target, schema, compression=compression) as writer,
        ):
            for columns in _columns(lines):
                arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
                writer.write_table(pa.Table.from_arrays(arrays, schema=schema))

    return finish


def _columns(lines: IO[bytes]) -> Iterator[list[list[Any]]]:
    """Return the values of each column, of some thousand rows at a time."""
    rows: list[Row] = []
    size = 0
    for line in lines:
        rows.append(_ROWS.decode(line))
        size += len(line)
        if len(rows) == ROWS_AT_ONCE or size >= GROUP_BYTES:
            yield [[getattr(row, name) for row in rows] for name in COLUMNS]
            rows, size = [], 0
    if rows:
        yield [[getattr(row, name) for row in rows] for name in COLUMNS]


_FORMATS: Final = {
    ".jsonl": Format(line=_json_line, finish=_copy),
    ".jsonl.gz": Format(line=_json_line, finish=_gzip),
    ".jsonl.zst": Format(line=_json_line, finish=_zstd),
    ".plain.parquet": Format(line=_row_line, finish=_parquet("none")),
    ".gz.parquet": Format(line=_row_line, finish=_parquet("gzip")),
    ".parquet": Format(line=_row_line, finish=_parquet("zstd")),
}
