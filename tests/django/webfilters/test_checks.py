"""What `manage.py check` says of hooks that nobody will ask."""

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest
from django.db import connections
from pytest_django import Settings

from tests.webfilters.tools import declare
from trackside.django.webfilters import checks
from trackside.django.webfilters.checks import check_client, check_transactions
from trackside.django.webfilters.models import Webfilter
from trackside.webfilters.points import withdraw

POINT = "test.checked.requested"


@pytest.fixture(autouse=True)
def _a_point() -> Iterator[None]:
    declare(POINT)
    yield
    withdraw(POINT)


@pytest.fixture
def _atomic_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)


def said(settings: Settings, *, databases: list[str] | None = None, **webfilters: Any) -> list[str]:
    """Return what W012 says of a project with these settings of webfilters."""
    settings.TRACKSIDE = {"webfilters": webfilters}
    found = list(check_transactions(databases=databases))
    assert {each.id for each in found} <= {"trackside.W012"}
    return [each.msg for each in found]


SHOP = {"point": "test.checked.*", "url": "https://shop.example.org/"}


@pytest.mark.usefixtures("_atomic_requests")
def test_hooks_that_no_request_asks_are_told(settings: Settings) -> None:
    """By point; a project without hooks hears nothing."""
    assert said(settings) == []
    [message] = said(settings, hooks={"shop": SHOP})
    assert POINT in message
    assert said(settings, hooks={"shop": SHOP}, ask_in_transaction=True) == []
    assert said(settings, hooks={"shop": SHOP}, points={POINT: {"ask_in_transaction": True}}) == []
    assert said(settings, hooks={"shop": {**SHOP, "enabled": False}, "b": {**SHOP, "mode": "off"}}) == []
    declare(POINT, ask_in_transaction=True)
    assert said(settings, hooks={"shop": SHOP}) == []
    assert said(settings, hooks={"shop": SHOP}, points={POINT: {"ask_in_transaction": False}}) != []


def test_without_atomic_requests_there_is_nothing_to_say(settings: Settings) -> None:
    assert said(settings, hooks={"shop": SHOP}) == []


@pytest.mark.django_db
@pytest.mark.usefixtures("_atomic_requests")
def test_rows_are_looked_at_where_the_database_may_be_asked(settings: Settings) -> None:
    """As by `migrate`, before whose first run there is no table."""
    row = Webfilter.objects.create(name="crm", point=POINT, url="https://crm.example.org/")
    assert said(settings) == []
    assert POINT in said(settings, databases=["default"])[0]
    assert said(settings, databases=["default"], rows=False) == []
    assert said(settings, databases=["other"]) == []
    row.enabled = False
    row.save()
    assert said(settings, databases=["default"]) == []


@pytest.mark.django_db
@pytest.mark.usefixtures("_atomic_requests")
def test_before_the_first_migration_there_are_no_rows(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Webfilter._meta, "db_table", "not_migrated_yet")
    assert said(settings, databases=["default"]) == []


def test_rows_that_nothing_could_ask_are_told(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.TRACKSIDE = {}
    assert list(check_client()) == []
    monkeypatch.setattr(
        checks, "find_spec", lambda name: None if name in {"pycurl", "aiohttp"} else find_spec(name)
    )
    assert [each.id for each in check_client()] == ["trackside.W013"]
    settings.TRACKSIDE = {"webfilters": {"rows": False}}
    assert list(check_client()) == []
