"""`trackside forward`"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from trackside.cli.place import load, place_options
from trackside.config.load import Loaded
from trackside.errors import ConfigurationError
from trackside.log_lines import log_to_stderr

FINISH_S = 8.0
"""How long a request under way may take to end; container platforms kill after ten seconds."""
_LOOK_EVERY_S = 0.1


@click.command()
@click.option(
    "--url", metavar="URL", envvar="TRACKSIDE_FORWARD_URL", help="The server; else TRACKSIDE_FORWARD_URL."
)
@click.option(
    "--write-key",
    metavar="KEY",
    envvar="TRACKSIDE_FORWARD_WRITE_KEY",
    help="The key of a source of the server with `forwarder = true`; else TRACKSIDE_FORWARD_WRITE_KEY, which"
    " other users of the machine cannot see in its list of processes.",
)
@place_options
def forward(config_file: Path | None, data_dir: str | None, url: str | None, write_key: str | None) -> None:
    """Bring the events emitted on this host to a Trackside server, in the foreground, until SIGTERM or Ctrl-C.

    One process at a time forwards from a data directory; another one waits for its turn. While the server
    cannot be reached or does not take the key, the events are kept, the standard error says why, and it is
    tried again.
    """
    if not url:
        raise ConfigurationError("no server to forward to; give its --url or set TRACKSIDE_FORWARD_URL")
    if not write_key:
        raise ConfigurationError(
            "no key of the server; set TRACKSIDE_FORWARD_WRITE_KEY or give its --write-key"
        )
    loaded = load(config_file, data_dir)
    folder = Path(loaded.config.data_dir)
    if not (folder / "log.db").exists():  # looking at the wrong folder must not make a log there
        what = f"{folder} holds no log" if folder.is_dir() else f"there is no data directory {folder}"
        raise ConfigurationError(
            f"{what}; choose one with --data-dir, that of the tracker's backend, which makes it with the first event"
        )
    # for a project that configures its logs itself this does nothing
    log_to_stderr()
    click.echo(f"forwarding what is emitted into {folder}", err=True)
    _run_until_told(lambda stop: _forward(loaded, url, write_key, stop))


def _forward(loaded: Loaded, url: str, write_key: str, stop: threading.Event) -> None:
    from trackside.backends.forward import run_forwarder

    config = loaded.config
    run_forwarder(
        config.data_dir,
        url,
        write_key,
        stop=stop,
        settings=config.log,
        event_bytes=config.limits.event_bytes,
        depth=config.limits.depth,
    )


def _run_until_told(work: Callable[[threading.Event], None]) -> None:
    """Run `work` until a signal asks for the end, or it fails: what it raises is raised here.

    It has a thread of its own, because a handler that sets an event may interrupt whoever holds that event's
    lock: in one thread the two would wait for each other.
    """
    stop = threading.Event()
    failures: list[BaseException] = []

    def run() -> None:
        try:
            work(stop)
        except BaseException as error:  # noqa: BLE001  # raised again where people are told
            failures.append(error)

    thread = threading.Thread(target=run, name="trackside-forward", daemon=True)
    with _asked_to_end() as asked:
        thread.start()
        while thread.is_alive() and not asked:
            thread.join(_LOOK_EVERY_S)
        stop.set()
        thread.join(FINISH_S)  # what is left under way then is sent again another time, and stored once
    if failures:
        raise failures[0]


@contextmanager
def _asked_to_end() -> Iterator[list[int]]:
    """Lend a list that SIGTERM and SIGINT put their numbers into."""
    asked: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda number, _: asked.append(number)) for number in numbers]
    try:
        yield asked
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
