"""`trackside export`"""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import IO, NoReturn

import click

from trackside.cli.group import Problem
from trackside.cli.moment import Moment, Range, held_range
from trackside.cli.place import load, opened_log, place_options
from trackside.cli.printing import console, plain, size_text
from trackside.destinations.files import FilesSettings, missing_library
from trackside.event import NameFilter
from trackside.export import Exported, Form, Selection, Sink, form_of, whole_file, write_events
from trackside.export.formats import FORMATS, Format, UnknownFormatError
from trackside.export.person import Person
from trackside.log.base import Log

INCOMPLETE = 3
"""The exit status where the file is there, but not all that was asked for is in it."""
_BY_SIGNAL = 128
"""A shell's exit status for a program that a signal ended, without the signal's number."""


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
    help="Only events of this user: those whose `user_id`, or `user_id` or `username` in `context`, is ID,"
    " as text or number; may be repeated, as for an id and a username.",
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
    path = None if output == "-" else Path(output)
    form = _form(path, format_)
    _refuse_what_is_there(path, force=force)
    loaded = load(config_file, data_dir)
    with opened_log(loaded) as log, _ending_by_signal():
        asked = held_range(log, since, until)
        selection = Selection(
            first=asked.first,
            last=asked.last,
            names=NameFilter(names) if names else None,
            person=Person(users) if users else None,
            limit=limit,
        )
        done, size_bytes = _export(log, selection, form, path, force=force)
    _tell(asked, done, size_bytes, output)


def _form(path: Path | None, format_: Format | None) -> Form:
    try:
        form = form_of(None if path is None else path.name, format_)
    except UnknownFormatError as error:
        raise click.UsageError(plain(error)) from error
    if form.format == "parquet":
        if reason := missing_library(FilesSettings(format="parquet")):
            raise Problem(reason)
        if path is None and sys.stdout.isatty():
            raise click.UsageError(
                "a Parquet file is nothing for a terminal; name a file, or send it on with | or >"
            )
    return form


def _refuse_what_is_there(path: Path | None, *, force: bool) -> None:
    if path is None or not path.exists():
        return
    if not path.is_file():
        raise click.UsageError(f"{plain(path)} is no file that could be replaced; want a name, or - and >")
    if not force:
        raise click.UsageError(f"{plain(path)} is there already; want another name, or --force")


def _export(
    log: Log, selection: Selection, form: Form, path: Path | None, *, force: bool
) -> tuple[Exported, int]:
    """Return what was written, and its size in bytes."""
    try:
        with _opened(path, force=force) as file, _progress(selection) as progress:
            sink = Sink(file)
            done = write_events(log, selection, form, sink, progress=progress)
        return done, sink.size_bytes
    except BrokenPipeError:
        _end_quietly()
    except FileExistsError as error:
        raise Problem(
            f"{plain(path)} is there since; nothing was written: want another name, or --force"
        ) from error
    except OSError as error:
        where = "to the standard output" if path is None else plain(path)
        raise Problem(f"cannot write {where}: {error.strerror or type(error).__name__}") from error


@contextlib.contextmanager
def _opened(path: Path | None, *, force: bool) -> Iterator[IO[bytes]]:
    if path is None:
        yield sys.stdout.buffer
        return
    with whole_file(path, replace=force) as file:
        yield file


@contextlib.contextmanager
def _progress(selection: Selection) -> Iterator[Callable[[int], None]]:
    """Show on a terminal how far it is; give what to call with the position up to which all was read."""
    from rich.progress import Progress

    terminal = console(stderr=True)
    total = selection.last - selection.first + 1
    with Progress(console=terminal, transient=True, disable=not terminal.is_terminal) as progress:
        task = progress.add_task("positions read", total=max(0, total))
        yield lambda through: progress.update(task, completed=through - selection.first + 1)


@contextlib.contextmanager
def _ending_by_signal() -> Iterator[None]:
    """Let the signals that ask a program to end clear away what was begun, as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, _: FrameType | None) -> NoReturn:
        raise SystemExit(_BY_SIGNAL + number)

    # one that is ignored stays so: nohup
    ending = [each for each in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(each) is signal.SIG_DFL]
    for each in ending:
        signal.signal(each, end)
    try:
        yield
    finally:
        for each in ending:
            signal.signal(each, signal.SIG_DFL)


def _end_quietly() -> NoReturn:
    """End as a program does that nobody listens to any more."""
    with contextlib.suppress(OSError, ValueError):  # what Python still holds for it must not fail at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC), sys.stdout.fileno())
    raise click.exceptions.Exit(_BY_SIGNAL + signal.SIGPIPE)


def _tell(asked: Range, done: Exported, size_bytes: int, output: str) -> None:
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
