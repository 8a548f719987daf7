"""Tables as openedx-webhooks leaves them, on databases of every kind."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings as DjangoSettings

from tests.django.outbox.databases import ALIAS
from tests.django.webfilters.conftest import database
from tests.openedx.host import points
from tests.openedx.host.old_tables import OldTables
from trackside.django.webhooks import surroundings
from trackside.webfilters import POINTS
from trackside.webfilters.points import withdraw

__all__ = ["database"]


@pytest.fixture
def old(db: None, settings: DjangoSettings) -> Iterator[OldTables]:
    """Empty tables beside ours, in the database of the tests; the points of two filters are declared."""
    made = OldTables("default")
    made.make()
    before = set(POINTS)
    points.declare()
    surroundings.reset()
    yield made
    surroundings.reset()
    for name in POINTS.keys() - before:
        withdraw(name)


@pytest.fixture
def old_of_each_kind(database: str) -> tuple[OldTables, str]:
    """Empty tables beside ours on a database of each kind, and which kind it is."""
    made = OldTables(ALIAS)
    made.make()
    return made, database
