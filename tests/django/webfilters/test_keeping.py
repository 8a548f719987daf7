"""The audit: kept beside every transaction, in the way of nobody, and not for ever."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from django.db import OperationalError, connections, transaction

from tests.django.outbox.databases import ALIAS
from tests.django.webfilters.conftest import Endpoint, add, following, kept
from tests.django.webfilters.registration import REGISTRATION
from tests.webfilters.tools import DATA, Asked, changes, hook
from trackside.django.webfilters.keeping import Keeper, row_of
from trackside.django.webfilters.models import WebfilterQuestion
from trackside.django.webfilters.settings import WebfilterSettings
from trackside.telemetry import catalogue
from trackside.tracker import TRACKERS, Tracker
from trackside.webfilters import Question, webfilter

on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def question(**more: Any) -> Question:
    """Return the record of a question that was asked."""
    asked = Asked(hook(), hook("watch", mode="shadow"), crm=changes(mode="honor"))
    asked.ask(DATA)
    return msgspec.structs.replace(asked.last, **more)


@pytest.mark.usefixtures("project")
def test_every_field_comes_back() -> None:
    """On each kind of database."""
    keeper, asked = Keeper(WebfilterSettings()), question()
    keeper.record(asked)
    assert keeper.flush(5)
    [row] = kept()
    assert (row.question_id, row.point, row.asked_at) == (asked.id, asked.point, asked.asked_at)
    assert (row.decision, row.would_be, row.has_shadow, row.fail_open) == ("changed", "changed", True, False)
    assert row.hook_names == ",crm,watch,"
    assert [(each["hook"], each["mode"], each["outcome"]) for each in row.hooks] == [
        ("crm", "enforce", "changed"),
        ("watch", "shadow", "passed"),
    ]
    assert row.hooks[0]["latency_s"] == asked.hooks[0].latency_s
    assert row.patch == [{"path": "mode", "value": "honor"}]
    assert (row.input_hash, row.duration_s, row.budget_s) == (
        asked.input_hash,
        asked.duration_s,
        asked.budget_s,
    )


@pytest.mark.usefixtures("project")
def test_what_no_database_keeps_is_replaced() -> None:
    """A NUL, which PostgreSQL has in no text: the question is kept all the same."""
    asked = question()
    odd = msgspec.structs.replace(asked.hooks[0], reason="a\x00b")
    keeper = Keeper(WebfilterSettings())
    keeper.record(msgspec.structs.replace(asked, hooks=[odd]))
    assert keeper.flush(5)
    assert kept()[0].hooks[0]["reason"] == "a\ufffdb"


@pytest.mark.usefixtures("project")
def test_while_the_caller_holds_the_database_s_lock_nobody_waits(endpoint: Endpoint) -> None:
    """On SQLite nobody else can write before the caller is done: the questions wait, and the caller does not."""
    add("gate", endpoint.url)
    with transaction.atomic(using=ALIAS), connections[ALIAS].cursor() as cursor:
        cursor.execute("INSERT INTO account (name) VALUES ('x')")
        began = time.monotonic()
        for _ in range(5):
            webfilter(REGISTRATION, {"form_data": {"name": "Ada"}})
        assert time.monotonic() - began < 3
        transaction.set_rollback(True, using=ALIAS)
    assert len(kept()) == 5


@on_sqlite
@pytest.mark.usefixtures("project")
def test_one_that_is_refused_takes_no_other_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted as lost; the rest of its batch is kept."""
    from django.db import DataError
    from django.db.models.query import QuerySet

    before = catalogue.WEBFILTER_AUDIT_FAILURES.value()
    original: Any = QuerySet.bulk_create

    def refusing(self: Any, rows: Any, **more: Any) -> Any:
        if any(row.question_id == "bad" for row in rows):
            raise DataError("no")
        return original(self, rows, **more)

    monkeypatch.setattr(QuerySet, "bulk_create", refusing)
    keeper, asked = Keeper(WebfilterSettings()), question()
    for name in ("a", "bad", "b"):
        keeper.record(msgspec.structs.replace(asked, id=name))
    assert keeper.flush(5)
    assert [row.question_id for row in kept()] == ["a", "b"]
    assert catalogue.WEBFILTER_AUDIT_FAILURES.value() == before + 1


@on_sqlite
@pytest.mark.usefixtures("project")
def test_a_database_that_is_away_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until it is back nothing is lost that there is room for."""
    from django.db.models.query import QuerySet

    original: Any = QuerySet.bulk_create
    left = [2]

    def away(self: Any, rows: Any, **more: Any) -> Any:
        if left[0]:
            left[0] -= 1
            raise OperationalError("away")
        return original(self, rows, **more)

    monkeypatch.setattr(QuerySet, "bulk_create", away)
    keeper = Keeper(WebfilterSettings())
    keeper.record(question())
    assert keeper.flush(5)
    assert (left, len(kept())) == ([0], 1)


@on_sqlite
@pytest.mark.usefixtures("project")
def test_without_room_it_is_dropped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trackside.django.webfilters.keeping.QUEUE_BYTES", 3_000)
    before = catalogue.WEBFILTER_AUDIT_FAILURES.value()
    keeper, asked = Keeper(WebfilterSettings()), question()
    began = time.monotonic()
    for _ in range(50):
        keeper.record(asked)
    assert time.monotonic() - began < 1
    assert keeper.flush(5)
    dropped = catalogue.WEBFILTER_AUDIT_FAILURES.value() - before
    assert dropped > 0
    assert len(kept()) == 50 - dropped


@pytest.mark.usefixtures("project")
def test_old_ones_and_those_beyond_the_count_are_removed_in_small_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("trackside.django.webfilters.keeping.PURGE_ROWS", 20)
    now = datetime.now(UTC)
    text = msgspec.json.encode(question(asked_at=now))
    rows = [row_of(text, "") for _ in range(180)]
    for row in rows[:50]:
        row.asked_at = now - timedelta(days=2)
    WebfilterQuestion.objects.bulk_create(rows)
    keeper = Keeper(WebfilterSettings(audit_keep_s=86_400, audit_most=100))
    assert keeper.purge(1)
    assert len(kept()) == 160
    assert not keeper.purge(20)
    left = kept()
    assert len(left) == 100
    assert min(row.asked_at for row in left) > now - timedelta(days=1)


@on_sqlite
@pytest.mark.usefixtures("project")
def test_it_purges_by_itself() -> None:
    WebfilterQuestion.objects.bulk_create([row_of(msgspec.json.encode(question()), "") for _ in range(5)])
    WebfilterQuestion.objects.update(asked_at=datetime.now(UTC) - timedelta(days=60))
    keeper = Keeper(WebfilterSettings())
    keeper.record(question(id="new", asked_at=datetime.now(UTC)))
    assert keeper.flush(5)
    assert [row.question_id for row in kept()] == ["new"]


@on_sqlite
@pytest.mark.usefixtures("project")
def test_who_asked_is_whoever_the_tracker_s_context_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    tracker = Tracker({})
    monkeypatch.setitem(TRACKERS, "default", tracker)
    keeper = Keeper(WebfilterSettings())
    with tracker.context("request", {"username": "ada", "user_id": 7}):
        keeper.record(question())
    with tracker.context("request", {"username": "", "user_id": 7}):
        keeper.record(question())
    keeper.record(question())
    assert keeper.flush(5)
    assert [row.actor for row in kept()] == ["ada", "7", ""]


@pytest.mark.django_db
def test_within_a_test_case_nothing_is_kept() -> None:
    """Its transaction would hide the row from the test, and its end would not take it back."""
    keeper = Keeper(WebfilterSettings())
    keeper.record(question())
    assert keeper.flush(5)
    assert not WebfilterQuestion.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_in_a_database_in_memory_nothing_is_kept() -> None:
    """Two connections to it cannot write side by side: one of them would fail, and it might be the test's."""
    keeper = Keeper(WebfilterSettings())
    keeper.record(question())
    assert keeper.flush(5)
    assert not WebfilterQuestion.objects.exists()
    connections["default"].close()


@on_sqlite
@pytest.mark.usefixtures("project")
def test_the_project_s_questions_are_kept(endpoint: Endpoint) -> None:
    """By default; the data's hash is that of the same data the next time."""
    add("gate", endpoint.url)
    for name in ("Ada", "Ada", "Bob"):
        webfilter(REGISTRATION, {"form_data": {"name": name}})
    hashes = [row.input_hash for row in kept()]
    assert hashes[0] == hashes[1] != hashes[2]
    assert following() is not None
