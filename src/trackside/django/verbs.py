"""The verbs of `manage.py trackside`: those of the command line that make sense here, and the project's own."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.utils.module_loading import import_string

from trackside.config.toml_file import TomlFile
from trackside.django.settings import current

_LEFT_OUT = ("serve",)
"""The server has a Django project of its own, which cannot start inside another one."""

OWN_VERBS: Mapping[str, str] = {
    "relay": "trackside.django.outbox.commands",
    "retire-user": "trackside.django.retirement.commands",
}
"""Verb → the module that has its click command, under the verb's name; only a Django project has these."""


def run(arguments: list[str], prog_name: str = "manage.py trackside", *, standalone: bool = True) -> Any:
    """Run a verb on what `settings.TRACKSIDE` says, as the command line runs it on a file, and exit.

    With `standalone=False` it returns the verb's exit code, or raises what click does.
    Raises ModuleNotFoundError where the command line's own requirements are not installed.
    """
    # by name: the command line is the layer above, and knows of this one
    group_of = import_string("trackside.cli.group.group_of")
    return group_of(available()).main(
        arguments, prog_name=prog_name, obj=as_file(), standalone_mode=standalone
    )


def available() -> dict[str, str]:
    """Return the verbs there are here, each with the module that has it."""
    verbs: Mapping[str, str] = import_string("trackside.cli.group.VERBS")
    own = {verb: module for verb, module in OWN_VERBS.items() if find_spec(module) is not None}
    return {**{verb: verbs[verb] for verb in verbs if verb not in _LEFT_OUT}, **own}


def as_file() -> TomlFile:
    """Return what `settings.TRACKSIDE` has of the keys of the configuration file."""
    return TomlFile(path=Path("settings.TRACKSIDE"), table=current().server, lines={})
