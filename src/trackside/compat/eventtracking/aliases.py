"""The import hook behind `install()`."""

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from trackside.errors import ConfigurationError

PACKAGE = "eventtracking"
PACKAGES: Mapping[str, str] = {
    PACKAGE: "trackside.compat.eventtracking",
    "eventtracking.backends": "trackside.backends",
    "eventtracking.processors": "trackside.processors",
    "eventtracking.django": "trackside.compat.eventtracking.django",
}
"""Package of `eventtracking` → ours, in which a module of it is found that ALIASES does not name.

The packages themselves are no aliases: `from eventtracking.backends import routing` asks for a module by the name
that the package bears.
"""
ALIASES: Mapping[str, str] = {
    "eventtracking.tracker": "trackside.tracker",
    "eventtracking.locator": "trackside.locator",
    "eventtracking.config": "trackside.backends.event_bus",
    "eventtracking.handlers": "trackside.backends.event_bus",
    "eventtracking.tasks": "trackside.backends.tasks",
    "eventtracking.backends.routing": "trackside.routing",
    "eventtracking.django.apps": "trackside.django.eventtracking_app",
    "eventtracking.django.django_tracker": "trackside.django.tracker",
}
"""Module of `eventtracking` → ours."""


def install() -> None:
    """Make `eventtracking` and its modules ours in this process; doing it again changes nothing.

    No module is loaded before somebody imports it, so that those which need an optional package cost nothing.
    Raises ConfigurationError where another `eventtracking` was imported before.
    """
    loaded = sys.modules.get(PACKAGE)
    if loaded is not None and not isinstance(loaded.__spec__ and loaded.__spec__.loader, PackageLoader):
        raise ConfigurationError(
            f"{PACKAGE} is imported already, from {loaded.__file__}; call install() before its first import"
        )
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)


def uninstall() -> None:
    """Undo `install`: later imports find whatever `eventtracking` is installed, or none."""
    if _FINDER in sys.meta_path:
        sys.meta_path.remove(_FINDER)
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


class AliasFinder(MetaPathFinder):
    """Finds, for every package and module of `eventtracking`, ours."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002  # the import system's signature
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """Return the spec of an alias, or None where `fullname` is nothing of ours."""
        if fullname in PACKAGES:
            return ModuleSpec(fullname, PackageLoader(PACKAGES[fullname]), is_package=True)
        package, _, child = fullname.rpartition(".")
        if package not in PACKAGES:
            return None
        ours = ALIASES.get(fullname) or f"{PACKAGES[package]}.{child}"
        return ModuleSpec(fullname, AliasLoader(ours)) if find_spec(ours) else None


class PackageLoader(Loader):
    """Loads an empty package, whose modules the finder knows."""

    def __init__(self, ours: str) -> None:
        self._ours = ours

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Return None: the import system makes a module."""

    def exec_module(self, module: ModuleType) -> None:
        """Give the package the place and the names of ours, but for its modules."""
        ours = import_module(self._ours)

        def attribute(name: str) -> Any:
            value = getattr(ours, name)
            if isinstance(value, ModuleType):
                raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")  # noqa: TRY004
            return value

        module.__doc__, module.__file__ = ours.__doc__, ours.__file__
        module.__path__ = list(ours.__path__)
        vars(module)["__getattr__"] = attribute


class AliasLoader(Loader):
    """Loads a module by putting another one in its place."""

    def __init__(self, ours: str) -> None:
        self._ours = ours

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Return None: the import system makes a module, which `exec_module` then replaces."""

    def exec_module(self, module: ModuleType) -> None:
        """Put our module in the place of `module`; it keeps its own name and spec."""
        sys.modules[module.__name__] = import_module(self._ours)


_FINDER = AliasFinder()
