"""What readers find in an export."""

import gzip
import io
import json
from typing import Any

import pyarrow.parquet as pq
import zstandard

from trackside.event import Event
from trackside.export.form import Form
from trackside.export.selection import Selection
from trackside.export.sink import Sink
from trackside.export.write import write_events
from trackside.log.base import Log


def exported(log: Log, form: Form, **selection: Any) -> bytes:
    """Return the whole log as a file of that form."""
    asked = Selection(**{"first": 1, "last": log.bounds().last, **selection})
    file = io.BytesIO()
    sink = Sink(file)
    done = write_events(log, asked, form, sink)
    assert (done.left_out, sink.size_bytes) == (0, len(file.getvalue()))
    return file.getvalue()


def lines_of(raw: bytes, compression: str = "none") -> list[bytes]:
    """Return the lines; a half one is an error."""
    if compression == "gzip":
        raw = gzip.decompress(raw)
    elif compression == "zstd":
        raw = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(raw)).read()
    assert raw.endswith(b"\n") or not raw
    return raw.split(b"\n")[:-1]


def objects_of(raw: bytes, compression: str = "none") -> list[dict[str, Any]]:
    """Return the lines as Python's own decoder reads them."""
    return [json.loads(line) for line in lines_of(raw, compression)]


def rows_of(raw: bytes) -> list[dict[str, Any]]:
    """Return the rows of a Parquet file."""
    rows: list[dict[str, Any]] = pq.read_table(io.BytesIO(raw)).to_pylist()
    return rows


def all_events(log: Log) -> list[tuple[int, Event]]:
    """Return what the log holds."""
    found: list[tuple[int, Event]] = []
    after = 0
    while (page := log.read(after)).through > after:
        found += zip(page.positions, page.events, strict=True)
        after = page.through
    return found
