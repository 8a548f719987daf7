"""A pytest plugin: `eventtracking` is ours, and only its `tests` packages are those of the installed package.

The cases look for MongoDB where it usually listens; `SHIPPED_SUITE_MONGODB_PORT` names another port of 127.0.0.1.
"""

import os
import sys
import sysconfig
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from pymongo import MongoClient

import django
from trackside.backends import mongodb
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


def lead_to_port(port: int) -> None:
    """Every client that our backend makes from now on connects to that port of 127.0.0.1."""

    def client(**options: Any) -> MongoClient[dict[str, Any]]:
        return MongoClient(**(options | {"host": "127.0.0.1", "port": port}))

    mongodb.MongoClient = client  # type: ignore[assignment,attr-defined]


install()
sys.meta_path.insert(0, ShippedTestsFinder())
django.setup()
if mongodb_port := os.environ.get("SHIPPED_SUITE_MONGODB_PORT"):
    lead_to_port(int(mongodb_port))
