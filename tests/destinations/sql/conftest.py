"""A database of each kind for every test that asks for one."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.destinations.sql.databases import ERRORS, KINDS, Database, created

Emptied = Callable[[str, Path], Database]


@pytest.fixture(scope="session")
def emptied() -> Iterator[Emptied]:
    """Return what gives an empty database of a kind; the test is skipped where no server runs."""
    made: dict[str, Database] = {}
    with ExitStack() as stack:

        def empty(kind: str, folder: Path) -> Database:
            if kind not in made:
                try:
                    made[kind] = stack.enter_context(created(kind, folder))
                except ERRORS as error:
                    missing(f"{kind} ({error})")
            made[kind].folder = folder
            made[kind].empty()
            return made[kind]

        yield empty


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest, emptied: Emptied, tmp_path: Path) -> Database:
    """An empty database."""
    return emptied(str(request.param), tmp_path)
