"""What the delivery engine is told of the rows."""

import logging
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, Error, InterfaceError, connection
from django.test.utils import CaptureQueriesContext
from msgspec.structs import replace
from pytest_django import Settings

from trackside.delivery.declarations import Declarations
from trackside.destinations.webhook import WebhookSettings
from trackside.django.webhooks import actions, surroundings
from trackside.django.webhooks.declared import WebhookDeclarations
from trackside.django.webhooks.models import Webhook
from trackside.django.webhooks.surroundings import Surroundings
from trackside.errors import StorageError
from trackside.log.memory import MemoryLog

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("around")]

URL = "https://93.184.216.34/in"


class Clock:
    """A time that a test moves."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        """Return it."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def declared(clock: Clock) -> Declarations:
    return WebhookDeclarations(now=clock)


def make(name: str = "crm", **changes: object) -> str:
    return actions.create({"name": name, "url": URL, **changes}, by="test").secret or ""


def settings(declared: Declarations, name: str = "crm") -> WebhookSettings:
    found = declared.current()[name]
    assert isinstance(found, WebhookSettings)
    return found


def test_it_gives_the_settings_of_every_row(declared: Declarations) -> None:
    assert declared.current() == {}
    secret = make(timeout_s=3, headers={"A": "b"})
    make("erp", enabled=False, secret="")
    assert sorted(declared.current()) == ["crm", "erp"]
    assert settings(declared) == WebhookSettings(
        url=URL,
        timeout_s=3.0,
        headers={"A": "b"},
        secret=(secret,),
        start="latest",
        allow_private_networks=True,
    )
    assert not settings(declared, "erp").enabled


def test_where_nothing_changed_it_is_the_same_object_after_one_query(declared: Declarations) -> None:
    make()
    first = declared.current()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert declared.current() is first
    assert len(queries) == 1
    actions.change("crm", {"timeout_s": 1}, by="test")
    assert declared.current() is not first


def test_a_change_is_seen_at_once_and_a_deleted_one_is_gone(declared: Declarations) -> None:
    make()
    actions.change("crm", {"url": f"{URL}/new"}, by="test")
    assert settings(declared).url == f"{URL}/new"
    actions.disable("crm", by="test")
    assert not settings(declared).enabled
    actions.delete("crm", by="test")
    assert declared.current() == {}


def test_the_old_secret_stops_by_itself(declared: Declarations, clock: Clock) -> None:
    """A rotation changes the settings twice: at once, and at the end of the overlap."""
    old = make()
    new = actions.rotate("crm", by="test", overlap_s=60)
    both = declared.current()
    assert settings(declared).secrets == (new, old)
    clock.now += timedelta(seconds=30)
    assert declared.current() is both
    clock.now += timedelta(seconds=31)
    assert settings(declared).secrets == (new,)
    assert declared.current() is declared.current()


def test_one_that_was_given_up_is_disabled_until_it_is_enabled(declared: Declarations) -> None:
    make()
    declared.disabled("crm", "answered 410 Gone: it wants no more events")
    row = Webhook.objects.get()
    assert not row.enabled
    assert row.disabled_at is not None
    assert row.disabled_reason == "answered 410 Gone: it wants no more events"
    assert not settings(declared).enabled
    actions.enable("crm", by="test")
    assert settings(declared).enabled
    declared.disabled("declared", "the file's own")
    declared.disabled("nobody", "nobody's")


def test_one_that_was_enabled_elsewhere_goes_on(
    declared: Declarations, around: Surroundings, log: MemoryLog
) -> None:
    """In the admin of another project, which has the rows and not the log, that is paused where it was given up."""
    make()
    subscription = log.subscription("crm")
    subscription.pause(True)
    declared.disabled("crm", "answered 410 Gone")
    for _ in range(2):
        declared.current()
        assert subscription.state().paused
    surroundings.show(replace(around, log=None))
    actions.enable("crm", by="elsewhere")
    surroundings.show(around)
    declared.current()
    assert not subscription.state().paused
    subscription.pause(True)  # an operator's pause, of which the row says nothing, stays
    actions.change("crm", {"description": "new"}, by="elsewhere")
    declared.current()
    assert subscription.state().paused


def test_the_file_counts_where_both_declare_a_name(
    declared: Declarations, around: Surroundings, caplog: pytest.LogCaptureFixture
) -> None:
    make()
    config = replace(around.config, destinations={"crm": WebhookSettings(url=URL)})
    surroundings.show(replace(around, config=config))
    with caplog.at_level(logging.ERROR):
        assert declared.current() == {}
    assert "webhook cannot be used" in caplog.text


def test_one_that_cannot_be_used_keeps_its_place_and_is_told_once(
    declared: Declarations, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """Its secrets cannot be read: it is there, not enabled, and the others go on."""
    make()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another-" * 8, []
    make("erp")
    with caplog.at_level(logging.ERROR):
        found = declared.current()
        actions.change("erp", {"timeout_s": 1}, by="test")
        declared.current()
    assert (found["crm"].enabled, found["erp"].enabled) == (False, True)
    assert caplog.text.count("webhook cannot be used") == 1


@pytest.mark.parametrize("kind", [DatabaseError, InterfaceError])
def test_a_database_that_cannot_be_read_is_a_storage_error(
    declared: Declarations, monkeypatch: pytest.MonkeyPatch, kind: type[Error]
) -> None:
    """Drivers tell a connection that is gone in two ways."""

    def broken() -> None:
        raise kind("gone away")

    monkeypatch.setattr("trackside.django.webhooks.declared.state_of_all", broken)
    with pytest.raises(StorageError, match="gone away"):
        declared.current()
