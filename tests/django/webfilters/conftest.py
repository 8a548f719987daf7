"""Rows of webfilters on databases of every kind, a receiver on this machine, and a project that asks before it acts."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import Error
from django.test import Client
from pytest_django import DjangoDbBlocker
from pytest_django import Settings as DjangoSettings

from tests.conftest import missing
from tests.django.outbox.databases import ALIAS, VENDORS, empty, registered
from tests.django.webhooks.conftest import Endpoint, around, endpoint, log, pages, root
from trackside.django.webfilters import actions, installing
from trackside.django.webfilters.following import FollowingWebfilters
from trackside.django.webfilters.models import Webfilter, WebfilterQuestion
from trackside.webfilters import install, installed

__all__ = ["Endpoint", "around", "endpoint", "log", "pages", "root"]


class Elsewhere:
    """Sends what is Trackside's to a database of its own."""

    def db_for_read(self, model: Any, **_: Any) -> str | None:
        """Return where rows are read."""
        return ALIAS if model._meta.app_label == "trackside" else None

    db_for_write = db_for_read


@pytest.fixture(params=VENDORS)
def database(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    django_db_blocker: DjangoDbBlocker,
    settings: DjangoSettings,
) -> Iterator[str]:
    """A new database of each kind, with the tables that the migrations make; each request is a transaction of it."""
    with django_db_blocker.unblock(), ExitStack() as stack:
        try:
            made = stack.enter_context(empty(request.param, tmp_path))
            stack.enter_context(registered({**made, "ATOMIC_REQUESTS": True}))
            connections[ALIAS].ensure_connection()
        except (Error, ImportError) as error:
            missing(f"{request.param} ({error})")
        executor = MigrationExecutor(connections[ALIAS])
        executor.migrate(executor.loader.graph.leaf_nodes("trackside"))
        with connections[ALIAS].cursor() as cursor:
            cursor.execute("CREATE TABLE account (name VARCHAR(100) NOT NULL)")
        settings.DATABASE_ROUTERS = [f"{__name__}.Elsewhere"]
        yield str(request.param)


@pytest.fixture
def project(
    database: str, around: object, settings: DjangoSettings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Client]:
    """The project's pages; its webfilters are those of the database alone."""
    settings.ROOT_URLCONF = "tests.django.webfilters.registration"
    settings.ALLOWED_HOSTS = ["testserver"]
    # a thread keeps its connection by its alias, which is another database in each test
    monkeypatch.setattr(installing, "_keeper", None)
    before = install(None)
    settings.TRACKSIDE = {"webfilters": {"ask_in_transaction": True}}
    installing.install()
    assert installed() is None
    yield Client(raise_request_exception=False)
    assert installing.flush()
    following().rows.stop(5)
    install(before)


def following() -> FollowingWebfilters:
    """Return what asks in this process."""
    found = installing.current()
    assert isinstance(found, FollowingWebfilters)
    return found


def add(name: str, url: str, **settings: Any) -> Webfilter:
    """Make a row, for the registration where nothing else is said."""
    table = {"name": name, "url": url, "point": "test.registration.requested", "timeout_s": 0.7, **settings}
    return actions.create({"failure_cache_s": 0, **table}, by="test")


def kept() -> list[WebfilterQuestion]:
    """Return the questions in the database, the oldest first."""
    assert installing.flush()
    return list(WebfilterQuestion.objects.order_by("pk"))
