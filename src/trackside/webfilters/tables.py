"""Hooks from tables, as a configuration file or a setting holds them: name → the other settings of the hook."""

from collections.abc import Mapping
from typing import Any

from trackside.config.reading import read_part
from trackside.event import NameFilter
from trackside.webfilters.checks import hook_problems, problems
from trackside.webfilters.hook import Hook
from trackside.webfilters.points import POINTS

Problems = dict[str, list[str]]
"""Name of a hook → what is wrong with it, in sentences that begin with the setting's name."""


def read_hook(name: str, table: Mapping[str, Any], *, strict: bool = True) -> Hook | list[str]:
    """Return a hook, or all that is wrong with it, also at the points declared so far that it is for.

    Without `strict` a text may stand for a number or a truth, as in a variable of the environment.
    """
    if "name" in table:
        return ["name is given in the table; want it as the table's own name"]
    made = read_part(Hook, {**table, "name": name}, strict=strict)
    if not isinstance(made, Hook):
        told = made if isinstance(made, dict) else {}
        return [sentence for sentences in told.values() for sentence in sentences]
    asked = NameFilter([made.point])
    points = [point for point_name, point in sorted(POINTS.items()) if asked.matches(point_name)]
    found = [sentence for point in points for sentence in problems(made, point)] or [*hook_problems(made)]
    return list(dict.fromkeys(found)) or made


def read_hooks(tables: Mapping[str, Mapping[str, Any]]) -> tuple[list[Hook], Problems]:
    """Return the hooks that are good, and what is wrong with the others."""
    hooks: list[Hook] = []
    wrong: Problems = {}
    for name, table in tables.items():
        read = read_hook(name, table)
        if isinstance(read, Hook):
            hooks.append(read)
        else:
            wrong[name] = read
    return hooks, wrong
