"""The Django project behind a verb: the server's own, or the one whose `manage.py` runs the verb."""

import getpass
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
from msgspec.structs import replace

from trackside.cli.group import Problem, WrongConfiguration
from trackside.cli.place import load
from trackside.config.load import Loaded
from trackside.config.settings import Config
from trackside.config.toml_file import TomlFile
from trackside.errors import ConfigurationError, TracksideError
from trackside.log.base import Log

Verb = TypeVar("Verb", bound=Callable[..., Any])


@contextmanager
def site(config_file: Path | None, data_dir: str | None) -> Iterator[None]:
    """Let the block use the webhooks of the database. Raises ConfigurationError."""
    with site_of(load(config_file, data_dir).config):
        yield


@contextmanager
def site_of(config: Config) -> Iterator[None]:
    """Let the block use the webhooks of the database that belongs to this configuration. Raises ConfigurationError."""
    if not is_inside_a_project():
        _start(config)
    from trackside.django.webhooks import surroundings
    from trackside.django.webhooks.refusals import DatabaseError, WrongSettings

    surroundings.show(surroundings.Surroundings(config=config))
    try:
        yield
    except WrongSettings as error:
        raise WrongConfiguration(str(error)) from error
    except DatabaseError as error:
        raise Problem(f"the webhooks of the database cannot be read: {error}") from error
    finally:
        surroundings.show(None)


def with_rows(loaded: Loaded, log: Log) -> Loaded:
    """Return the configuration with the webhooks of the database among its destinations.

    They are looked for only where some subscription is none of the file's: it takes half a second. Where they cannot
    be read the configuration is returned as it is.
    """
    config = loaded.config
    if set(log.subscriptions()) <= config.destinations.keys() or not has_site(config):
        return loaded
    try:
        with site_of(config):
            from trackside.django.webhooks.declared import WebhookDeclarations

            rows = WebhookDeclarations().current()
    except (TracksideError, click.ClickException):
        return loaded
    return replace(loaded, config=replace(config, destinations={**config.destinations, **rows}))


def has_site(config: Config) -> bool:
    """Return whether there is a Django project that may have rows: the verb's own, or one that a server has made."""
    return is_inside_a_project() or (Path(config.data_dir) / "site.db").exists()


def is_inside_a_project() -> bool:
    """Return whether a Django project's `manage.py` runs the verb."""
    context = click.get_current_context(silent=True)
    return context is not None and context.find_object(TomlFile) is not None


def who() -> str:
    """Return who runs the command, as it is noted."""
    try:
        return f"{getpass.getuser()} (command line)"
    except (OSError, KeyError):  # an account without a name, as in some containers
        return "command line"


def _start(config: Config) -> None:
    folder = Path(config.data_dir)
    if not (folder / "secret_key").exists():  # with another key, what it encrypts could not be read later
        raise ConfigurationError(
            f"{folder} was not made by `trackside serve`; choose another with --data-dir, or start the server once"
        )
    try:
        from trackside.server.site import boot
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith("trackside"):
            raise
        raise Problem(f"this needs {error.name}; install it: pip install 'trackside[server]'") from error
    boot.set_environment(config)
    boot.boot()
