"""The rows on each kind of database: tables, what comes back, names, changes that meet, questions of many threads."""

import threading
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from pytest_django import Settings as DjangoSettings

from tests.django.outbox.databases import ALIAS
from tests.django.webfilters.conftest import Endpoint, add, kept
from tests.django.webfilters.registration import REGISTRATION
from trackside.django.secret_rows.refusals import NotTheCase, WrongSettings
from trackside.django.secret_rows.rows import readable
from trackside.django.webfilters import actions
from trackside.django.webfilters.models import COLUMNS, Webfilter, state_of_all
from trackside.outbound.signing import new_secret
from trackside.webfilters import Hook, webfilter

URL = "https://93.184.216.34/in"
TABLES = {"trackside_webfilter", "trackside_webfilter_question"}


@pytest.mark.usefixtures("database")
def test_the_tables_are_made_and_taken_away() -> None:
    assert set(connections[ALIAS].introspection.table_names()) >= TABLES
    MigrationExecutor(connections[ALIAS]).migrate([("trackside", "0003_webhooks")])
    assert not set(connections[ALIAS].introspection.table_names()) & TABLES


@pytest.mark.usefixtures("project")
def test_a_row_comes_back_as_it_was_written() -> None:
    secret = new_secret()
    settings: dict[str, Any] = {
        "description": "описание \N{GRINNING FACE}",
        "mode": "shadow",
        "kind": "decider",
        "order": -5,
        "on_failure": "fail_closed",
        "where": {"form_data.country": ["D*", "!DK"]},
        "may_change": ["form_data.name"],
        "redirect_on_4xx": "/" + "x" * 1_900,
        "message": "später",
        "cache_s": 1.5,
    }
    add("gate", URL, **settings, secret=secret, headers={"X-Key": "ключ"})
    row = Webfilter.objects.get()
    assert {name: getattr(row, name) for name in settings} == settings
    secrets = readable(row)
    assert secrets is not None
    assert (secrets.signing[0].key, secrets.headers) == (secret, {"X-Key": "ключ"})
    row.full_clean()


def test_every_setting_of_a_hook_has_a_column_with_its_default() -> None:
    """But for its secrets, which share one, and its name."""
    row, hook = Webfilter(name="x", point="x", url=URL), Hook(name="x", point="x", url=URL)
    for name in COLUMNS:
        found, wanted = getattr(row, name), getattr(hook, name)
        assert found == (list(wanted) if isinstance(wanted, tuple) else wanted), name


@pytest.mark.usefixtures("project")
def test_a_name_is_one_whatever_its_case_and_not_that_of_a_setting(settings: DjangoSettings) -> None:
    add("gate", URL)
    with pytest.raises(WrongSettings, match="which is taken by the webfilter gate"):
        add("GATE", URL)
    settings.TRACKSIDE = {"webfilters": {"hooks": {"own": {"point": "x", "url": URL}}}}
    with pytest.raises(WrongSettings, match="which a hook of the settings has"):
        add("own", URL)
    settings.TRACKSIDE = {}


@pytest.mark.usefixtures("project")
def test_the_state_differs_after_every_change() -> None:
    """Also where one is deleted and another one made, as often changed as the first."""
    seen = [state_of_all()]
    first = add("a", URL)
    seen.append(state_of_all())
    add("b", URL)
    seen.append(state_of_all())
    actions.change(first, by="test", order=1)
    seen.append(state_of_all())
    first.delete()
    seen.append(state_of_all())
    actions.change(add("a", URL), by="test", order=1)
    seen.append(state_of_all())
    assert len(set(seen)) == len(seen)


@pytest.mark.usefixtures("project")
def test_nobody_writes_over_another_one_s_change() -> None:
    mine, theirs = add("gate", URL), Webfilter.objects.get()
    actions.change(theirs, by="them", order=1)
    with pytest.raises(NotTheCase, match="somebody else changed gate meanwhile"):
        actions.change(mine, by="me", mode="shadow")
    assert (Webfilter.objects.get().mode, Webfilter.objects.get().updated_by) == ("enforce", "them")


@pytest.mark.usefixtures("project")
def test_what_is_wrong_is_told_by_field() -> None:
    """Whoever fills the row in; one that is wrong can be disabled all the same."""
    with pytest.raises(ValidationError) as told:
        Webfilter(name="x y", point=REGISTRATION.name, url="ftp://x", timeout_s=99).full_clean()
    assert set(told.value.message_dict) == {"timeout_s", "name", "url"}
    row = add("gate", URL)
    Webfilter.objects.filter(pk=row.pk).update(timeout_s=99)
    row.refresh_from_db()
    with pytest.raises(WrongSettings, match="timeout_s is 99"):
        actions.change(row, by="test", mode="shadow")
    actions.change(row, by="test", enabled=False)
    assert not Webfilter.objects.get().enabled


@pytest.mark.usefixtures("project")
def test_questions_of_many_threads_are_all_kept(endpoint: Endpoint) -> None:
    """Each thread has its own connection; the audit has one for all."""
    add("gate", endpoint.url)
    failures: list[Exception] = []

    def ask() -> None:
        try:
            for _ in range(20):
                webfilter(REGISTRATION, {"form_data": {"name": "Ada"}})
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert len(kept()) == len({row.question_id for row in kept()}) == 100
