"""What the name of a file says of its format, and who writes that."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import PurePath
from typing import IO, Final, Literal, Protocol, cast, get_args

from msgspec import Struct

from trackside.destinations.files.formats import Compression, compressed
from trackside.event import Event
from trackside.export import json_lines, tracking_log
from trackside.export.sink import Sink

Format = Literal["jsonl", "parquet", "tracking-log"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)

_FORMATS: Final[dict[str, Format]] = {".jsonl": "jsonl", ".parquet": "parquet", ".log": "tracking-log"}
_COMPRESSIONS: Final[dict[str, Compression]] = {".gz": "gzip", ".zst": "zstd"}


class UnknownFormatError(ValueError):
    """A name does not say how the file is to be written; the message says which names do."""


class Form(Struct, frozen=True):
    """How events are written."""

    format: Format
    compression: Compression = "none"
    """Of the whole file; a Parquet file is compressed within."""


class Writer(Protocol):
    """Writes events in the order in which it is given them."""

    def write(self, positions: Sequence[int], events: Sequence[Event]) -> int:
        """Write events, some may stay in memory for now; return how many the format has no form for.

        Raises OSError.
        """
        ...

    def finish(self) -> None:
        """Write all that is left. Raises OSError."""
        ...


def form_of(name: str | None, format_: Format | None = None) -> Form:
    """Return how to write a file of that name, None being the standard output. Raises UnknownFormatError.

    `format_` is what was asked for by hand; the name says the compression then.
    """
    if name is None:
        return Form(format_ or "jsonl")
    suffixes = [suffix.lower() for suffix in PurePath(name).suffixes]
    compression = _COMPRESSIONS.get(suffixes[-1], "none") if suffixes else "none"
    kind = suffixes[-2:-1] if compression != "none" else suffixes[-1:]
    found = format_ or (_FORMATS.get(kind[0]) if kind else None)
    if found is None:
        raise UnknownFormatError(
            f"{name!r} does not end in .jsonl, .parquet or .log (with .gz or .zst behind .jsonl and .log);"
            f" choose with --format: {', '.join(FORMATS)}"
        )
    if found == "parquet" and compression != "none":
        raise UnknownFormatError(f"{name!r}: a Parquet file is compressed within; leave out {suffixes[-1]}")
    return Form(found, compression)


def open_writer(form: Form, sink: Sink) -> Writer:
    """Return a writer that has begun."""
    match form.format:
        case "jsonl":
            return _Lines(json_lines.render, sink, form.compression)
        case "tracking-log":
            return _Lines(tracking_log.render, sink, form.compression)
        case "parquet":
            from trackside.export.parquet import ParquetWriter

            return ParquetWriter(sink)


Render = Callable[[Sequence[int], Sequence[Event]], tuple[bytes, int]]
"""Positions and events → their lines, each with its end, and how many events have none."""


class _Lines:
    def __init__(self, render: Render, sink: Sink, compression: Compression) -> None:
        self._render = render
        self._sink = sink
        self._open = ExitStack()
        self._stream = self._open.enter_context(compressed(cast("IO[bytes]", sink), compression))

    def write(self, positions: Sequence[int], events: Sequence[Event]) -> int:
        lines, left_out = self._render(positions, events)
        self._stream.write(lines)
        return left_out

    def finish(self) -> None:
        self._open.close()
        self._sink.flush()
