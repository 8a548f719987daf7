"""Writing an export: where to, how far it is, and what ends it before its time."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import IO, NoReturn

import click

from trackside.cli.group import Problem
from trackside.cli.printing import console, plain
from trackside.destinations.files import FilesSettings, missing_library
from trackside.export.form import Form
from trackside.export.selection import Selection
from trackside.export.sink import Sink
from trackside.export.whole_file import whole_file
from trackside.export.write import Exported, write_events
from trackside.log.base import Log

_BY_SIGNAL = 128
"""A shell's exit status for a program that a signal ended, without the signal's number."""


def require_library(form: Form) -> None:
    """Raise Problem where a library is not installed that the format needs."""
    if form.format == "parquet" and (reason := missing_library(FilesSettings(format="parquet"))):
        raise Problem(reason)


def write(
    log: Log, selection: Selection, form: Form, path: Path | None, *, force: bool
) -> tuple[Exported, int]:
    """Return what was written, and its size in bytes. Raises Problem where it cannot be written."""
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
def ending_by_signal() -> Iterator[None]:
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
