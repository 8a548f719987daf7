"""The rows as a process knows them: fresh within a second, never in the way, never less than was known."""

import logging
import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, connection, connections
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings as DjangoSettings

from tests.django.outbox.databases import ALIAS
from tests.django.webfilters.conftest import Endpoint, add, following, kept
from tests.django.webfilters.registration import IDLE, REGISTRATION, PreventRegistration
from trackside.django.webfilters import actions, installing
from trackside.django.webfilters.models import Webfilter
from trackside.django.webfilters.rows import Rows
from trackside.outbound.signing import new_secret
from trackside.telemetry import catalogue
from trackside.webfilters import Hook, has_hooks, install, webfilter

URL = "https://93.184.216.34/in"
DATA = {"form_data": {"name": "Ada"}}
on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def eventually(true: Callable[[], bool], *, within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


@pytest.mark.slow
@pytest.mark.usefixtures("project")
def test_a_change_that_others_made_is_noticed_within_a_second() -> None:
    """One that sends no signal here, as that of another process."""
    row = add("gate", URL)
    assert has_hooks(REGISTRATION)
    Webfilter.objects.filter(pk=row.pk).update(enabled=False, revision=1)
    assert eventually(lambda: not has_hooks(REGISTRATION), within_s=1.5)
    Webfilter.objects.filter(pk=row.pk).update(enabled=True, revision=2)
    assert eventually(lambda: has_hooks(REGISTRATION), within_s=1.5)


@on_sqlite
@pytest.mark.usefixtures("project")
def test_a_change_counts_once_it_is_committed() -> None:
    from django.db import transaction

    with transaction.atomic(using=ALIAS):
        add("gate", URL)
        assert not has_hooks(REGISTRATION)
    assert has_hooks(REGISTRATION)


@on_sqlite
@pytest.mark.usefixtures("project")
def test_a_database_that_cannot_be_read_leaves_what_was_known(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Counted each time, told once; nothing of it reaches the platform."""
    add("gate", URL)
    assert has_hooks(REGISTRATION)
    before = catalogue.WEBFILTER_ROWS_FAILURES.value()

    def broken() -> None:
        raise DatabaseError("gone away")

    with monkeypatch.context() as patched, caplog.at_level(logging.ERROR):
        patched.setattr("trackside.django.webfilters.rows.state_of_all", broken)
        for _ in range(2):
            following().rows.changed()
            assert has_hooks(REGISTRATION)
    assert catalogue.WEBFILTER_ROWS_FAILURES.value() >= before + 2
    assert caplog.text.count("cannot be read; those known last go on") == 1
    Webfilter.objects.all().delete()
    assert not has_hooks(REGISTRATION)


@on_sqlite
@pytest.mark.usefixtures("project")
def test_a_database_that_hangs_holds_up_one_question_and_no_transaction(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The caller's transaction is as it was: what fails, fails elsewhere."""
    from django.db import transaction

    released = threading.Event()
    monkeypatch.setattr("trackside.django.webfilters.rows.PATIENCE_S", 0.05)
    monkeypatch.setattr(
        "trackside.django.webfilters.rows.state_of_all", lambda: released.wait(5) and (0, 0, 0)
    )
    with transaction.atomic(using=ALIAS), connections[ALIAS].cursor() as cursor:
        cursor.execute("INSERT INTO account (name) VALUES ('kept')")
        began = time.monotonic()
        for _ in range(50):
            assert webfilter(IDLE, {"mode": "x"}).data == {"mode": "x"}
        assert time.monotonic() - began < 0.5
    released.set()
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("SELECT name FROM account")
        assert cursor.fetchall() == [("kept",)]


@on_sqlite
@pytest.mark.usefixtures("project")
def test_a_row_that_cannot_be_used_fails_by_its_policy_and_the_others_go_on(
    settings: DjangoSettings, caplog: pytest.LogCaptureFixture, endpoint: Endpoint
) -> None:
    """A gate that is closed in doubt does not stand open because its key is gone; the log tells it once."""
    add("lost", endpoint.url)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another-" * 8, []
    with caplog.at_level(logging.ERROR):
        add("good", URL)
        names = _hooks()
    assert names == ["good", "lost"]
    Webfilter.objects.filter(name="good").delete()
    assert webfilter(REGISTRATION, DATA).changes == {}
    Webfilter.objects.filter(name="lost").update(on_failure="fail_closed", revision=5)
    following().rows.changed()
    with pytest.raises(PreventRegistration):
        webfilter(REGISTRATION, DATA)
    assert endpoint.requests == []
    assert [(each.decision, each.fail_open) for each in kept()] == [("passed", True), ("halted", False)]
    assert caplog.text.count("webfilter cannot be used") == 1


def _hooks() -> list[str]:
    """Return who is asked, in order."""
    assert has_hooks(REGISTRATION)
    return [each.hook.name for each in following().hooks_of(REGISTRATION)]


@on_sqlite
@pytest.mark.usefixtures("project")
def test_the_settings_hooks_are_asked_beside_the_rows(settings: DjangoSettings, endpoint: Endpoint) -> None:
    """In one order; where both have a name that of the settings counts; each reaches what its own ceiling allows."""
    add("row", endpoint.url, order=2)
    add("both", endpoint.url, order=3)
    table = {"point": REGISTRATION.name, "url": "https://93.184.216.34/other"}
    first = following()
    settings.TRACKSIDE = {"webfilters": {"hooks": {"own": {**table, "order": 1}, "both": table}}}
    first.rows.stop(5)
    assert _hooks() == ["both", "own", "row"]
    second = following()
    settings.TRACKSIDE = {"webfilters": {"rows": False}}
    second.rows.stop(5)
    assert not has_hooks(REGISTRATION)
    settings.TRACKSIDE = {}


@on_sqlite
@pytest.mark.usefixtures("project")
def test_what_code_has_installed_is_asked_alone(endpoint: Endpoint) -> None:
    from tests.webfilters.tools import Asked, hook

    add("row", endpoint.url)
    before = install(Asked(hook()).webfilters)
    try:
        assert not has_hooks(REGISTRATION)
    finally:
        install(before)
    assert has_hooks(REGISTRATION)


@pytest.mark.django_db
@pytest.mark.usefixtures("around")
def test_within_a_test_case_the_test_s_own_rows_are_asked_and_gone_with_it() -> None:
    """By its own connection, after a change only: a test that counts its queries finds none of ours."""
    found: list[list[str]] = []
    rows = Rows(lambda hooks: found.append([hook.name for hook in hooks]))
    with CaptureQueriesContext(connection) as queries:
        rows.follow()
    assert list(queries) == []
    actions.create({"name": "gate", "url": URL, "point": REGISTRATION.name}, by="test")
    rows.changed()
    rows.follow()
    assert found == [["gate"]]
    with CaptureQueriesContext(connection) as queries:
        rows.follow()
    assert list(queries) == []
    assert rows._thread is None


@on_sqlite
@pytest.mark.usefixtures("project")
def test_a_key_that_is_being_replaced_stops_by_itself() -> None:
    now = datetime.now(UTC)
    secret = new_secret()
    row = add("gate", URL, secret=secret)
    fresh = actions.rotate(row, by="test")
    found: list[tuple[Hook, ...]] = []
    moment = [now]
    rows = Rows(lambda hooks: found.append(tuple(hooks)), now=lambda: moment[0])
    rows.follow()
    assert [*found[-1][0].secrets] == [fresh, secret]
    moment[0] += timedelta(days=2)
    rows.changed()
    rows.follow()
    assert [*found[-1][0].secrets] == [fresh]
    rows.stop(5)


@on_sqlite
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.usefixtures("project")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_of_a_fork_follows_by_itself(endpoint: Endpoint) -> None:
    """It knows what its parent knew, looks with a thread of its own, and keeps what it asked."""
    add("gate", endpoint.url)
    assert has_hooks(REGISTRATION)
    connections[ALIAS].close()
    context = multiprocessing.get_context("fork")
    child = context.Process(target=_in_child)
    child.start()
    child.join(20)
    assert child.exitcode == 0
    assert [row.hook_names for row in kept()] == [",gate,"]


def _in_child() -> None:
    assert has_hooks(REGISTRATION)
    webfilter(REGISTRATION, DATA)
    assert installing.flush()
    Webfilter.objects.all().delete()
    assert not has_hooks(REGISTRATION)
