"""`trackside export`"""

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trackside.cli.moment import Moment, Range, held_range
from trackside.cli.place import load, opened_log, place_options
from trackside.cli.printing import plain, size_text
from trackside.event import NameFilter
from trackside.export.form import FORMATS, Form, Format, UnknownFormatError, form_of
from trackside.export.selection import Selection
from trackside.log.person import Finder, Person

if TYPE_CHECKING:
    from trackside.export.write import Exported

INCOMPLETE = 3
"""The exit status where the file is there, but not all that was asked for is in it."""


@click.command()
@click.argument("output", required=False, default="-", metavar="[OUTPUT]")
@click.option(
    "--format",
    "format_",
    type=click.Choice(FORMATS),
    help="Whatever the name of OUTPUT says; jsonl for the standard output by default.",
)
@click.option(
    "--since",
    type=Moment(),
    metavar="MOMENT",
    help="First event: a position, an age or a time; else the oldest.",
)
@click.option(
    "--until", type=Moment(), metavar="MOMENT", help="Last event; the newest one at the beginning by default."
)
@click.option(
    "--name", "names", multiple=True, metavar="GLOB", help="Only events of this name; may be repeated."
)
@click.option(
    "--user",
    "users",
    multiple=True,
    metavar="ID",
    help="Only events of this user: those whose `user_id`, `anonymous_id`, or `user_id` or `username` in their context"
    " or at the top of their data is ID, as a whole; may be repeated, as for an id and a username.",
)
@click.option(
    "-n", "--limit", type=click.IntRange(min=0), metavar="N", help="At most N events, the first ones."
)
@click.option("--force", is_flag=True, help="Replace OUTPUT where there is such a file.")
@place_options
def export(
    config_file: Path | None,
    data_dir: str | None,
    output: str,
    format_: Format | None,
    since: int | datetime | None,
    until: int | datetime | None,
    names: tuple[str, ...],
    users: tuple[str, ...],
    limit: int | None,
    *,
    force: bool,
) -> None:
    """Write events into a file, or to the standard output where OUTPUT is - or missing.

    The name of OUTPUT says how: .jsonl (JSON Lines, as tail --json prints events), .parquet, or .log (lines of
    the tracking log); .jsonl and .log may end in .gz or .zst. It is there once it is whole, and not before.
    What comes into the log meanwhile is not in it. Ends with 3 where events asked for are missing, because
    retention removed them or because they have no line of a tracking log; the last lines say how many.
    """
    from trackside.cli.exporting import ending_by_signal, require_library, write

    path = None if output == "-" else Path(output)
    form = _form(path, format_)
    person = _person(users)
    require_library(form)
    _refuse_what_is_there(path, force=force)
    loaded = load(config_file, data_dir)
    with opened_log(loaded) as log, ending_by_signal():
        asked = held_range(log, since, until)
        selection = Selection(
            first=asked.first,
            last=asked.last,
            names=NameFilter(names) if names else None,
            person=person,
            limit=limit,
            erased=form.format != "tracking-log",  # its destination writes no line of them
        )
        done, size_bytes = write(log, selection, form, path, force=force)
    _tell(asked, done, size_bytes, output)


def _form(path: Path | None, format_: Format | None) -> Form:
    try:
        form = form_of(None if path is None else path.name, format_)
    except UnknownFormatError as error:
        raise click.UsageError(plain(error)) from error
    if form.format == "parquet" and path is None and sys.stdout.isatty():
        raise click.UsageError(
            "a Parquet file is nothing for a terminal; name a file, or send it on with | or >"
        )
    return form


def _person(users: tuple[str, ...]) -> Finder | None:
    texts = frozenset(users)
    try:
        return Finder(Person(user_ids=texts, usernames=texts, anonymous_ids=texts)) if texts else None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--user") from error


def _refuse_what_is_there(path: Path | None, *, force: bool) -> None:
    if path is None or not path.exists():
        return
    if not path.is_file():
        raise click.UsageError(f"{plain(path)} is no file that could be replaced; want a name, or - and >")
    if not force:
        raise click.UsageError(f"{plain(path)} is there already; want another name, or --force")


def _tell(asked: Range, done: "Exported", size_bytes: int, output: str) -> None:
    where = "" if output == "-" else f" in {plain(output)}"
    what = f"positions {asked.first} to {done.through}" if done.through >= asked.first else "no positions"
    missing = []
    if gone := asked.gone + done.gone:
        missing.append(f"{gone:,} of the positions asked for are gone: retention removed them")
    if done.left_out:
        missing.append(f"{done.left_out:,} events have no line of a tracking log, and are left out")
    for line in missing:
        click.echo(line, err=True)
    click.echo(f"{done.events:,} events, {what}, {size_text(size_bytes)}{where}", err=True)
    if missing:
        raise click.exceptions.Exit(INCOMPLETE)
