"""A pytest plugin: `eventtracking` is ours, and only its `tests` packages are those of the installed package."""

import sys
import sysconfig
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

import django
from trackside.compat.eventtracking import install

INSTALLED = Path(sysconfig.get_paths()["purelib"])


class ShippedTestsFinder(MetaPathFinder):
    """Finds `eventtracking.….tests.…` where the package is installed."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of a module of the shipped tests, else None."""
        parts = fullname.split(".")
        if parts[0] != "eventtracking" or "tests" not in parts:
            return None
        return PathFinder.find_spec(fullname, [str(INSTALLED.joinpath(*parts[:-1]))])


install()
sys.meta_path.insert(0, ShippedTestsFinder())
django.setup()
