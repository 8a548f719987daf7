"""Which data directory a verb works on: the options every verb has, and what is behind them."""

import contextlib
import difflib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click

from trackside.config.load import Loaded
from trackside.config.toml_file import TomlFile
from trackside.errors import ConfigurationError
from trackside.log.base import Log
from trackside.log.subscription import Subscription

Verb = TypeVar("Verb", bound=Callable[..., Any])


def place_options(verb: Verb) -> Verb:
    """Give a verb `--data-dir` and `--config`."""
    verb = click.option(
        "--config",
        "config_file",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="The configuration file; else TRACKSIDE_CONFIG, ./trackside.toml, or the data directory's.",
    )(verb)
    return click.option(
        "--data-dir",
        metavar="FOLDER",
        help="Where everything is kept; else TRACKSIDE_DATA_DIR, the file's, or ./data.",
    )(verb)


def json_option(sentence: str) -> Callable[[Verb], Verb]:
    """Give a verb `--json`, which prints for programs what it otherwise prints for people."""
    return click.option("--json", "as_json", is_flag=True, help=sentence)


def destination_option(verb: Verb) -> Verb:
    """Give a verb `--destination`."""
    return click.option("--destination", required=True, metavar="NAME", help="The destination's name.")(verb)


def load(config_file: Path | None, data_dir: str | None, **flags: object) -> Loaded:
    """Return the configuration that is in effect with these flags; in a Django project, that of its settings."""
    from trackside import hub

    context = click.get_current_context(silent=True)
    instead = context.find_object(TomlFile) if context else None
    return hub.load_config(config_file, {"data_dir": data_dir, **flags}, instead=instead)


@contextlib.contextmanager
def opened_log(loaded: Loaded) -> Iterator[Log]:
    """Open the log of the data directory, which has to be there already. Raises ConfigurationError."""
    from trackside import hub

    folder = Path(loaded.config.data_dir)
    if not (folder / "log.db").exists():  # looking at the wrong folder must not make a log there
        what = f"{folder} holds no log" if folder.is_dir() else f"there is no data directory {folder}"
        raise ConfigurationError(f"{what}; choose one with --data-dir, or make it with `trackside serve`")
    log = hub.open_log(loaded.config)
    try:
        yield log
    finally:
        log.close()


def subscription_of(log: Log, loaded: Loaded, name: str) -> Subscription:
    """Return the subscription of a destination that was started once. Raises ConfigurationError otherwise."""
    known = log.subscriptions()
    if name in known:
        return log.subscription(name)
    if name in loaded.config.destinations:
        raise ConfigurationError(
            f"the destination {name} has not been started yet; start it with `trackside serve`"
        )
    close = difflib.get_close_matches(name, known, n=1)
    raise ConfigurationError(
        f"there is no destination {name!r}; "
        + (f"did you mean {close[0]}?" if close else f"there are: {', '.join(known) or 'none'}")
    )


def is_served(loaded: Loaded) -> bool:
    """Return whether some process delivers on this data directory now."""
    from trackside.delivery.lock import is_held

    return is_held(Path(loaded.config.data_dir) / "delivery.lock")
