"""`trackside tail`"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trackside.cli.moment import Moment, first_position
from trackside.cli.place import json_option, load, opened_log, place_options
from trackside.cli.printing import console, event_with_position, plain, print_lines, time_text
from trackside.event import Event, NameFilter
from trackside.log.base import Log

if TYPE_CHECKING:
    from rich.text import Text

Row = tuple[int, Event]

SHOWN = 20
"""How many events are shown where neither a start nor a number is asked for."""
_PAGE = 1_000
_EXCERPT = 100


@click.command()
@click.option("-f", "--follow", is_flag=True, help="Go on and print events as they arrive, until Ctrl-C.")
@click.option(
    "--name", "names", multiple=True, metavar="GLOB", help="Only events of this name; may be repeated."
)
@click.option(
    "--since",
    type=Moment(),
    metavar="MOMENT",
    help="From a position (1200), an age (10m) or a time (2026-11-20T14:00) on.",
)
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(min=0),
    metavar="N",
    help="At most N events; the last ones without --since.",
)
@json_option("Print whole events, one JSON object a line.")
@place_options
def tail(
    config_file: Path | None,
    data_dir: str | None,
    names: tuple[str, ...],
    since: int | datetime | None,
    limit: int | None,
    *,
    follow: bool,
    as_json: bool,
) -> None:
    """Print the newest events of the log, or all since some moment."""
    print_rows = _print_json if as_json else _printer()
    with opened_log(load(config_file, data_dir)) as log:
        wanted = NameFilter(names) if names else None
        if since is None:
            after = _start_of_last(log, wanted, SHOWN if limit is None else limit)
            pages = _pages(log, after, wanted, follow=follow)
        else:
            pages = _limited(_pages(log, first_position(log, since) - 1, wanted, follow=follow), limit)
        try:
            for rows in pages:
                print_rows(rows)
        except KeyboardInterrupt:  # the way to end --follow
            return


def _pages(log: Log, after: int, names: NameFilter | None, *, follow: bool) -> Iterator[Sequence[Row]]:
    while True:
        page = log.read(after, limit=_PAGE, names=names)
        yield list(zip(page.positions, page.events, strict=True))
        if page.through > after:
            after = page.through
        elif not follow:
            return
        else:
            log.wait(after, timeout_s=1.0)


def _limited(pages: Iterator[Sequence[Row]], limit: int | None) -> Iterator[Sequence[Row]]:
    left = limit
    for rows in pages:
        yield rows if left is None else rows[:left]
        left = None if left is None else left - min(left, len(rows))
        if left == 0:
            return


def _start_of_last(log: Log, names: NameFilter | None, count: int) -> int:
    """Return the position after which `count` matching events are left, by ever larger steps back."""
    bounds = log.bounds()
    floor = max(0, bounds.first - 1)
    back = max(count, 1)
    while True:
        after = max(floor, bounds.last - back)
        found = [position for rows in _until(log, after, names, bounds.last) for position, _ in rows]
        if len(found) > count:
            return found[-count - 1] if count else bounds.last
        if len(found) == count or after == floor:
            return after if count else bounds.last
        back *= 8


def _until(log: Log, after: int, names: NameFilter | None, last: int) -> Iterator[Sequence[Row]]:
    for rows in _pages(log, after, names, follow=False):
        yield [row for row in rows if row[0] <= last]
        if rows and rows[-1][0] >= last:
            return


def _print_json(rows: Sequence[Row]) -> None:
    print_lines(event_with_position(position, event) for position, event in rows)


def _printer() -> Callable[[Sequence[Row]], None]:
    terminal = console()

    def print_rows(rows: Sequence[Row]) -> None:
        for _, event in rows:
            terminal.print(
                _line(event), no_wrap=True, overflow="ellipsis", crop=terminal.is_terminal, soft_wrap=False
            )

    return print_rows


def _line(event: Event) -> "Text":
    from rich.text import Text

    who = event.user_id or event.anonymous_id or "-"
    raw = bytes(event.data)
    data = raw[:_EXCERPT].decode("utf-8", "ignore") if len(raw) > 2 else ""
    return Text.assemble(
        (time_text(event.timestamp), "dim"),
        "  ",
        (plain(event.name), "bold"),
        "  ",
        (plain(who), "cyan"),
        "  ",
        (plain(event.source), "dim"),
        "  ",
        plain(data) + ("…" if len(raw) > _EXCERPT else ""),
    )
