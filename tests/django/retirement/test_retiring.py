"""What is taken out of the tables when a user leaves, what stays, and who is told."""

import json
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import Error, connection
from pytest_django import Settings

from tests.django.conftest import Emitted
from trackside.django.outbox.models import OutboxRow, SetAsideRow
from trackside.django.outbox.rows import encode_row
from trackside.django.retirement import Retired, retire_user, retiring
from trackside.django.retirement.retiring import tells_of
from trackside.django.webfilters.models import WebfilterQuestion
from trackside.django.webhooks.models import ApiToken, Webhook
from trackside.emitted.identity import event_id
from trackside.tracker import Tracker, get_tracker

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def question(actor: str) -> WebfilterQuestion:
    """Return a row of the audit."""
    return WebfilterQuestion.objects.create(
        question_id="q",
        point="registration",
        asked_at=NOW,
        actor=actor,
        decision="halt",
        would_be="halt",
        hook_names=",crm,",
        hooks=[{"hook": "crm", "message": "Ada is known"}],
        patch=[{"field": "name", "before": "Ada"}],
        conflicts=[{"field": "name"}],
        input_hash="a" * 64,
        duration_s=0.1,
        budget_s=1.0,
    )


def event(name: str, **parts: Any) -> Any:
    """Return a row of the outbox that became of an event."""
    made = {"name": name, "timestamp": NOW, "data": {}, "context": {}, **parts}
    return encode_row(made, "default")


def set_aside(name: str, **parts: Any) -> None:
    """Put an event aside."""
    row = event(name, **parts)._asdict()
    SetAsideRow.objects.create(**row, reason="failed", set_aside_us=0)


def webhook(name: str, by: str) -> Webhook:
    """Return a webhook that somebody made."""
    row = Webhook(name=name, url="https://crm.example.org/", created_by=by, updated_by=by)
    row.save()
    return row


def token(name: str, user_key: str, by: str) -> ApiToken:
    """Return a token that somebody made."""
    return ApiToken.objects.create(name=name, digest=name, user_key=user_key, created_at=NOW, created_by=by)


def test_what_goes_and_what_stays() -> None:
    """Decisions stay without the person; what nobody would send any more is deleted; others' rows are as they were."""
    hers, by_id, others = question("ada"), question("7"), question("grace")
    set_aside("a", data={"enrollment": {"user": {"id": 7, "pii": {"username": "x"}}}})
    set_aside("b", context={"username": "ada"})
    set_aside("c", user_id="7")
    set_aside("d", context={"user_id": 8}, data={"id": 7, "items": [{"username": "adam"}]})
    OutboxRow.objects.create(**event("waits", user_id="7")._asdict())
    mine, theirs = webhook("mine", "ada"), webhook("theirs", "grace")
    token("hers", "7", "root"), token("made-by-her", "8", "ada")
    done = retire_user(7, "ada", tracker=None)
    assert done == Retired(questions=2, set_aside=3, tokens=1, named=2, told=False)
    for row in (hers, by_id):
        row.refresh_from_db()
        assert (row.actor, row.hooks, row.patch, row.conflicts, row.input_hash) == ("", [], [], [], "")
        assert (row.point, row.decision, row.hook_names) == ("registration", "halt", ",crm,")
    others.refresh_from_db()
    assert (others.actor, len(others.hooks)) == ("grace", 1)
    assert [json.loads(row.body)["name"] for row in SetAsideRow.objects.all()] == ["d"]
    assert OutboxRow.objects.count() == 1
    mine.refresh_from_db()
    theirs.refresh_from_db()
    assert (mine.created_by, mine.updated_by, theirs.created_by) == ("", "", "grace")
    assert [(row.name, row.created_by) for row in ApiToken.objects.all()] == [("made-by-her", "")]
    assert retire_user(7, "ada", tracker=None) == Retired()


class Ids:
    """A backend that keeps the ids that events are sent under."""

    def __init__(self) -> None:
        self.seen: list[str | None] = []

    def send(self, _: Any) -> None:
        """Keep the id."""
        self.seen.append(event_id())


def test_who_got_events_is_told(emitted: Emitted) -> None:
    """By an event about the user, without what is known of the request; the second time it has the same id."""
    tracker, ids = get_tracker(), Ids()
    both = Tracker(backends={**tracker.backends, "ids": ids})
    with both.context("request", {"username": "admin", "ip": "203.0.113.7"}):
        for _ in range(2):
            assert retire_user(7, "ada", tracker=both).told
    first = emitted[0]
    assert (first["name"], first["user_id"], first["context"]) == ("trackside.user.retired", "7", {})
    assert first["data"] == {"user_id": 7, "username": "ada"}
    assert ids.seen[0] is not None
    assert ids.seen[0] == ids.seen[1]


@pytest.mark.parametrize(("mode", "told"), [("ids_only", [{"user_id": 7, "username": None}]), ("none", [])])
def test_no_more_is_told_than_events_say(
    emitted: Emitted, settings: Settings, mode: str, told: list[Any]
) -> None:
    """Who never had a name or an id gets none now."""
    settings.TRACKSIDE = {"signals": {"personal_data": mode}}
    assert retire_user(7, "ada", tracker=get_tracker()).told == bool(told)
    assert [each["data"] for each in emitted] == told


def test_a_failure_is_the_callers(emitted: Emitted, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a table cannot be written the caller knows, nothing is changed and nobody is told."""
    row = question("ada")

    def fail(*_: Any) -> int:
        raise Error("gone")

    monkeypatch.setattr(retiring, "_delete_set_aside", fail)
    with pytest.raises(Error, match="gone"):
        retire_user(7, "ada", tracker=get_tracker())
    row.refresh_from_db()
    assert (row.actor, emitted) == ("ada", [])


def test_tables_that_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """They hold nothing of anybody: a platform whose migrations have not run retires users all the same."""
    question("ada")
    monkeypatch.setattr(type(connection.introspection), "table_names", lambda *_, **__: [])
    assert retire_user(7, "ada", tracker=None) == Retired()


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"user_id": 7}, True),
        ({"user_id": "7"}, True),
        ({"a": [{"lms_user_id": 7}]}, True),
        ({"id": 7, "pii": None}, True),
        ({"id": 7}, False),
        ({"user_id": 77}, False),
        ({"username": "ada"}, True),
        ({"text": "ada"}, False),
        ("ada", False),
        ({"tracking_log": {"context": '{"user_id": 7}'}}, True),
        ({"tracking_log": {"context": '{"user_id": 77}'}}, False),
        ({"tracking_log": {"data": '{"username": "ada"'}}, False),
    ],
)
def test_whom_data_tells_of(value: object, told: object) -> None:
    """Ids and names where they are fields of a person, at any depth and in JSON; texts of people are not searched."""
    assert tells_of(value, "7", "ada") == told


def run(*arguments: str) -> str:
    """Return what the verb prints."""
    out = StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout", out)
        call_command("trackside", "retire-user", *arguments)
    return out.getvalue()


def test_by_hand(emitted: Emitted) -> None:
    """One of the two is enough while the user is there; afterwards an id alone is believed."""
    user = User.objects.create_user("ada")
    question("ada")
    shown = json.loads(run("--id", str(user.pk), "--json"))
    assert shown == {"questions": 1, "set_aside": 0, "tokens": 0, "named": 0, "told": True}
    assert emitted[-1]["data"] == {"user_id": user.pk, "username": "ada"}
    user.delete()
    assert "trackside.user.retired emitted" in run("--id", "7")
    question("ada")
    assert "1 questions blanked" in run("--username", "ada")
    with pytest.raises(CommandError, match="give --id, --username or both"):
        run()
