"""A database of each kind, the outbox on it, and a tracker that writes into a log in memory."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import Error
from pytest_django import DjangoDbBlocker
from pytest_django import Settings as DjangoSettings

from tests.conftest import missing
from tests.django.outbox.databases import ALIAS, VENDORS, Settings, created, empty_tables, registered
from tests.django.outbox.shop import Shop, flush
from trackside.backends.log import LogBackend
from trackside.django import outbox
from trackside.django.outbox.settings import reset
from trackside.log.memory import MemoryLog
from trackside.tracker import TRACKERS, Tracker, set_on_commit

_made: dict[str, Settings] = {}


@pytest.fixture(scope="session")
def _databases(django_db_blocker: DjangoDbBlocker) -> Iterator[ExitStack]:
    stack = ExitStack()
    yield stack
    with django_db_blocker.unblock():
        stack.close()


@pytest.fixture(params=VENDORS)
def vendor(request: pytest.FixtureRequest) -> str:
    """Every test that asks for a database runs on each kind."""
    return str(request.param)


@pytest.fixture
def database(
    vendor: str,
    _databases: ExitStack,
    tmp_path_factory: pytest.TempPathFactory,
    django_db_blocker: DjangoDbBlocker,
    settings: DjangoSettings,
) -> Iterator[Settings]:
    """The settings of an empty database, known to Django as `shop` and to the outbox."""
    with django_db_blocker.unblock():
        if vendor not in _made:
            try:
                _made[vendor] = _databases.enter_context(created(vendor, tmp_path_factory.mktemp(vendor)))
            except (Error, ImportError) as error:
                missing(f"{vendor} ({error})")
        with registered(_made[vendor]):
            empty_tables()
            settings.TRACKSIDE = {"outbox": {"database": ALIAS}}
            reset()
            outbox.install()
            yield _made[vendor]
            set_on_commit(None)
    reset()


@pytest.fixture
def connection(database: Settings) -> BaseDatabaseWrapper:
    """The application's connection in this thread."""
    return connections[ALIAS]


@pytest.fixture
def shop(database: Settings) -> Iterator[Shop]:
    """An application with a table, whose default tracker writes into a log."""
    log = MemoryLog()
    before = dict(TRACKERS)
    TRACKERS["default"] = Tracker({"log": LogBackend(log=log)})
    yield Shop(log)
    flush(log)
    TRACKERS.clear()
    TRACKERS.update(before)
    log.close()
