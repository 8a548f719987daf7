"""Who writes which format."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import IO, Protocol, cast

from trackside.destinations.compression import Compression, compressed
from trackside.event import Event
from trackside.export import json_lines, tracking_log
from trackside.export.form import Form
from trackside.export.sink import Sink


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
