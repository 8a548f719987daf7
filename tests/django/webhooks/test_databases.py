"""The rows on each kind of database: tables, names, secrets, changes that meet, what the engine asks."""

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import Error
from pytest_django import DjangoDbBlocker
from pytest_django import Settings as DjangoSettings

from tests.conftest import missing
from tests.django.outbox.databases import ALIAS, VENDORS, empty, registered
from trackside.django.webhooks import actions
from trackside.django.webhooks.declared import WebhookDeclarations
from trackside.django.webhooks.models import ApiToken, Webhook, readable
from trackside.django.webhooks.refusals import NotTheCase, WrongSettings
from trackside.outbound.signing import new_secret

pytestmark = pytest.mark.usefixtures("around")

URL = "https://93.184.216.34/in"


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
    """A new database of each kind, with the tables that the migrations make."""
    with django_db_blocker.unblock(), ExitStack() as stack:
        try:
            made = stack.enter_context(empty(request.param, tmp_path))
            stack.enter_context(registered(made))
            connections[ALIAS].ensure_connection()
        except (Error, ImportError) as error:
            missing(f"{request.param} ({error})")
        executor = MigrationExecutor(connections[ALIAS])
        executor.migrate(executor.loader.graph.leaf_nodes("trackside"))
        settings.DATABASE_ROUTERS = [f"{__name__}.Elsewhere"]
        yield str(request.param)


def test_the_tables_are_made_and_taken_away(database: str) -> None:
    tables = connections[ALIAS].introspection.table_names()
    assert {"trackside_webhook", "trackside_api_token"} <= set(tables)
    MigrationExecutor(connections[ALIAS]).migrate([("trackside", "0002_trackerstate")])
    tables = connections[ALIAS].introspection.table_names()
    assert not {"trackside_webhook", "trackside_api_token"} & set(tables)


def test_a_row_comes_back_as_it_was_written(database: str) -> None:
    changes: dict[str, Any] = {
        "name": "crm",
        "url": URL + "?q=" + "x" * 1_900,
        "events": ["edx.*", "страница"],
        "where": {"context.course_id": ["course-v1:edX+*", "!x"]},
        "headers": {"X-Key": "ключ \N{GRINNING FACE}"},
        "retry_schedule_s": [0.5, 300],
        "description": "описание \N{GRINNING FACE}",
        "secret": new_secret(),
    }
    actions.create(changes, by="test")
    assert not actions.create(changes, by="test").is_new
    row = actions.find("crm")
    secrets = readable(row)
    assert secrets is not None
    assert (secrets.signing[0].key, secrets.headers) == (changes["secret"], changes["headers"])
    for name in ("url", "events", "where", "retry_schedule_s", "description"):
        assert getattr(row, name) == changes[name]


def test_names_that_differ_only_in_case_are_one(database: str) -> None:
    actions.create({"name": "crm", "url": URL}, by="test")
    with pytest.raises(WrongSettings, match="which is taken by the webhook crm"):
        actions.create({"name": "CRM", "url": URL}, by="test")
    actions.delete("crm", by="test")
    with pytest.raises(WrongSettings, match="deleted webhooks keep their name"):
        actions.create({"name": "crm", "url": URL}, by="test")


def test_two_who_make_one_of_the_same_name_at_once(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database decides: the second is told, and nothing of it is kept."""
    actions.create({"name": "crm", "url": URL}, by="first")
    monkeypatch.setattr("trackside.django.webhooks.content.name_problem", lambda name: None)
    monkeypatch.setattr(Webhook.objects, "filter", Webhook.objects.none().filter)
    with pytest.raises(NotTheCase, match="somebody else made a webhook crm meanwhile"):
        actions.create({"name": "crm", "url": URL}, by="second")
    assert Webhook.all_rows.get().created_by == "first"


def test_changes_that_meet_are_all_kept(database: str) -> None:
    actions.create({"name": "crm", "url": URL}, by="test")
    failures: list[Exception] = []

    def write(who: str) -> None:
        try:
            for number in range(10):
                actions.change("crm", {"headers": {f"X-{who}-{number}": "v"}}, by=who)
        except Exception as error:
            failures.append(error)
        finally:
            connections[ALIAS].close()

    threads = [threading.Thread(target=write, args=(who,)) for who in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    row = actions.find("crm")
    secrets = readable(row)
    assert secrets is not None
    assert (len(secrets.headers), row.revision) == (20, 20)


def test_the_engine_sees_what_changed_and_leaves_no_connection(database: str) -> None:
    declared = WebhookDeclarations(keeps_connection=False)
    assert declared.current() == {}
    actions.create({"name": "crm", "url": URL}, by="test")
    first = declared.current()
    assert declared.current() is first
    declared.disabled("crm", "answered 410 Gone")
    assert not declared.current()["crm"].enabled
    assert connections[ALIAS].connection is None


def test_a_file_that_nobody_wrote_is_not_opened_and_a_change_is_seen(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    actions.create({"name": "crm", "url": URL}, by="test")
    connections[ALIAS].close()
    if database == "sqlite":
        os.utime(
            connections[ALIAS].settings_dict["NAME"], (1, 1)
        )  # or the next write might bear the same time
    declared = WebhookDeclarations(
        keeps_connection=False, now=lambda: datetime.now(UTC) + timedelta(minutes=1)
    )
    first = declared.current()
    connect = Mock(wraps=connections[ALIAS].connect)
    monkeypatch.setattr(connections[ALIAS], "connect", connect)
    assert declared.current() is first
    assert connect.call_count == (0 if database == "sqlite" else 1)
    actions.change("crm", {"enabled": False}, by="test")
    connections[ALIAS].close()
    assert not declared.current()["crm"].enabled


def test_tokens_have_a_table(database: str) -> None:
    from django.utils import timezone

    ApiToken.objects.create(name="ci", digest="d" * 64, user_key="7", created_at=timezone.now())
    assert ApiToken.objects.get(digest="d" * 64).name == "ci"
