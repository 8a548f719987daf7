"""How verbs print: JSON for programs, tables and lines for people."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click
import msgspec

from trackside.event import Event

if TYPE_CHECKING:
    from rich.console import Console

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def console(*, stderr: bool = False) -> "Console":
    """Return the terminal, or a plain wide page where the output goes to a file or another program."""
    from rich.console import Console

    found = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    return (
        found
        if found.is_terminal
        else Console(stderr=stderr, highlight=False, markup=False, emoji=False, width=200)
    )


def plain(text: object) -> str:
    """Return text from outside without what would steer a terminal."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", str(text))


def print_json(value: object) -> None:
    """Print `value` as JSON for programs, indented."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2))


def print_lines(values: Iterable[object]) -> None:
    """Print each value as one line of JSON."""
    lines = [msgspec.json.encode(value) for value in values]
    if lines:
        click.echo(b"\n".join(lines))


def print_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under headings; numbers stand to the right."""
    from rich import box
    from rich.table import Table

    kept = [list(row) for row in rows]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for at, heading in enumerate(headings):
        numbers = bool(kept) and all(isinstance(row[at], int) for row in kept)
        table.add_column(heading, justify="right" if numbers else "left", overflow="fold")
    for row in kept:
        table.add_row(*(f"{cell:,}" if isinstance(cell, int) else plain(cell) for cell in row))
    console().print(table)


def event_with_position(position: int, event: Event) -> dict[str, Any]:
    """Return an event with all its fields and its position, to be encoded as JSON."""
    return {"position": position, **msgspec.structs.asdict(event)}


def time_text(moment: datetime) -> str:
    """Return a time in the reader's time zone, to the millisecond."""
    return moment.astimezone().isoformat(" ", "milliseconds")


def ago_text(moment: datetime | None) -> str:
    """Return how long ago a moment was, roughly."""
    if moment is None:
        return "never"
    seconds = (datetime.now(UTC) - moment).total_seconds()
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{int(seconds // size)} {unit} ago"
    return f"{max(0, int(seconds))} s ago"


def size_text(size_bytes: int) -> str:
    """Return a size as people read it: `3.4 MB`."""
    size = float(size_bytes)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
