"""A database of each kind with the tables of users."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import Error
from pytest_django import DjangoDbBlocker
from pytest_django import Settings as DjangoSettings

from tests.conftest import missing
from tests.django.outbox.databases import ALIAS, VENDORS, Settings, empty, registered
from tests.django.users.models import ALL

_made: dict[str, Settings] = {}


class ToShop:
    """Sends everything to the database under test."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        """Return its alias."""
        return ALIAS

    db_for_write = db_for_read


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
def connection(
    vendor: str,
    _databases: ExitStack,
    tmp_path_factory: pytest.TempPathFactory,
    django_db_blocker: DjangoDbBlocker,
    settings: DjangoSettings,
) -> Iterator[BaseDatabaseWrapper]:
    """Return this thread's connection to a database without users, to which all models go."""
    with django_db_blocker.unblock():
        if vendor not in _made:
            try:
                made = _databases.enter_context(empty(vendor, tmp_path_factory.mktemp(vendor)))
                _make_tables(made)
            except (Error, ImportError) as error:
                missing(f"{vendor} ({error})")
            _made[vendor] = made
        settings.DATABASE_ROUTERS = ["tests.django.users.conftest.ToShop"]
        with registered(_made[vendor]):
            with connections[ALIAS].cursor() as cursor:
                for model in (get_user_model(), *ALL):
                    cursor.execute(f"DELETE FROM {model._meta.db_table}")
            yield connections[ALIAS]


def _make_tables(settings: Settings) -> None:
    with registered(settings), connections[ALIAS].schema_editor() as editor:
        for model in (ContentType, Permission, Group, get_user_model(), LogEntry, *ALL):
            editor.create_model(model)
