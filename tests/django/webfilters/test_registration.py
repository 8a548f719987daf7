"""Somebody registers, and services are asked before: the examples that receivers of openedx-webhooks are written by.

Real rows in each kind of database, each request a transaction, a real receiver over HTTP.
"""

import json
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings as DjangoSettings

from tests.django.outbox.databases import ALIAS
from tests.django.webfilters.conftest import Endpoint, add, following, kept
from tests.django.webfilters.registration import IDLE, REGISTRATION
from trackside.django.webfilters import actions
from trackside.django.webfilters.models import Webfilter
from trackside.webfilters import has_hooks, webfilter
from trackside.webfilters.transactions import NOT_ASKED

FORM = {"name": "Ada L", "email": "ada@example.org"}
NEW_NAME = b'{"data": {"form_data": {"name": "New Name"}}}'
PREVENTED = b'{"exception": {"PreventRegistration": "Not allowed to register"}}'


def register(project: Client, **more: str) -> tuple[int, dict[str, Any]]:
    answer = project.post("/register", {**FORM, **more})
    return answer.status_code, json.loads(answer.content or b"{}") if answer.status_code < 500 else {}


def accounts() -> list[str]:
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("SELECT name FROM account")
        return [name for (name,) in cursor.fetchall()]


def change(**columns: object) -> None:
    actions.change(Webfilter.objects.get(), by="test", **columns)


def sent(endpoint: Endpoint) -> dict[str, Any]:
    """Return what the receiver was sent last, whichever encoding it came in."""
    headers, body = endpoint.requests[-1]
    if headers["content-type"].startswith("application/x-www-form-urlencoded"):
        return {name: values[0] for name, values in parse_qs(body.decode()).items()}
    found: dict[str, Any] = json.loads(body)
    return found


@pytest.mark.parametrize("form_encoding", [False, True])
def test_the_name_is_changed_and_each_switch_counts(
    project: Client, endpoint: Endpoint, form_encoding: bool
) -> None:
    """On, off, filtering disabled, shadow, enforced again: the next registration is what the row says by then."""
    endpoint.reply = NEW_NAME
    add("names", endpoint.url, form_encoding=form_encoding)
    assert register(project) == (200, {"name": "New Name"})
    data = sent(endpoint)
    if form_encoding:
        assert (data["form_data_name"], data["event_metadata_event_type"]) == (
            "Ada L",
            "test.registration.requested",
        )
    else:
        assert data["form_data"] == FORM
    change(disable_filtering=True)
    assert register(project) == (200, {"name": "Ada L"})
    change(disable_filtering=False, mode="shadow")
    assert register(project) == (200, {"name": "Ada L"})
    change(mode="enforce")
    assert register(project) == (200, {"name": "New Name"})
    asked = len(endpoint.requests)
    change(enabled=False)
    assert register(project) == (200, {"name": "Ada L"})
    assert len(endpoint.requests) == asked
    Webfilter.objects.get().delete()
    assert register(project) == (200, {"name": "Ada L"})
    assert [(row.decision, row.would_be) for row in kept()] == [
        ("changed", "changed"),
        ("passed", "passed"),
        ("passed", "changed"),
        ("changed", "changed"),
    ]


@pytest.mark.parametrize("form_encoding", [False, True])
def test_a_registration_is_prevented(project: Client, endpoint: Endpoint, form_encoding: bool) -> None:
    """Unless halting is disabled, or the hook is in shadow: then the audit has what it would have been."""
    endpoint.reply = PREVENTED
    add("gate", endpoint.url, form_encoding=form_encoding)
    assert register(project) == (400, {"error": "Not allowed to register"})
    change(disable_halting=True)
    assert register(project)[0] == 200
    change(disable_halting=False, mode="shadow")
    assert register(project)[0] == 200
    change(mode="enforce")
    assert register(project)[0] == 400
    rows = kept()
    assert [(row.decision, row.would_be, row.has_shadow) for row in rows] == [
        ("halted", "halted", False),
        ("passed", "passed", False),
        ("passed", "halted", True),
        ("halted", "halted", False),
    ]
    assert (rows[0].exception, rows[0].halted_by, rows[0].in_transaction) == (
        "PreventRegistration",
        "gate",
        True,
    )


@pytest.mark.parametrize(
    ("status", "switch", "redirect"),
    [(403, "halt_on_4xx", "redirect_on_4xx"), (502, "halt_on_5xx", "redirect_on_5xx")],
)
def test_failures_halt_where_the_switch_says_so(
    project: Client, endpoint: Endpoint, status: int, switch: str, redirect: str
) -> None:
    """And lead elsewhere where that is said too; else the platform goes on, and that is in the audit."""
    endpoint.status, endpoint.reply = status, b"no"
    add("gate", endpoint.url)
    assert register(project) == (200, {"name": "Ada L"})
    change(**{switch: True})
    assert register(project)[0] in {400, status}
    change(**{switch: True, redirect: "/elsewhere"})
    answer = project.post("/register", FORM)
    assert (answer.status_code, answer.headers.get("Location")) == (302, "/elsewhere")
    assert [row.fail_open for row in kept()] == [True, False, False]


def test_nobody_at_the_other_end(project: Client, free_port: int) -> None:
    """By default it is passed over; the switch for it halts; disable_halting does not touch that switch."""
    add("gate", f"http://127.0.0.1:{free_port}/")
    assert register(project)[0] == 200
    change(halt_on_request_exception=True, disable_halting=True)
    assert register(project)[0] == 400
    change(halt_on_request_exception=True, redirect_on_request_exception="/later")
    assert project.post("/register", FORM).headers["Location"] == "/later"


def test_several_are_asked_in_order_and_the_last_one_overrides(project: Client, endpoint: Endpoint) -> None:
    """Of two that change one field the later one's value stays; their order is that of the rows."""
    with_second = Endpoint()
    with with_second as second:
        import threading

        thread = threading.Thread(target=second.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        endpoint.reply, second.reply = NEW_NAME, NEW_NAME.replace(b"New", b"Newest")
        add("a", endpoint.url, order=1)
        row = add("b", second.url, order=2)
        assert register(project) == (200, {"name": "Newest Name"})
        assert sent(second)["form_data"]["name"] == "New Name"
        actions.change(row, by="test", order=0)
        assert register(project) == (200, {"name": "New Name"})
        second.shutdown()
        thread.join()
    assert kept()[0].conflicts == [{"path": "form_data.name", "hooks": ["a", "b"]}]


def test_the_audit_survives_the_rollback(project: Client, endpoint: Endpoint) -> None:
    """The exception takes the request's transaction with it, and not the record of who raised it."""
    endpoint.reply = PREVENTED
    add("gate", endpoint.url)
    assert register(project, let_it_raise="yes")[0] == 500
    assert accounts() == []
    [row] = kept()
    assert (row.decision, row.hook_names) == ("halted", ",gate,")


def test_no_secret_is_in_the_audit(project: Client, endpoint: Endpoint) -> None:
    """A changed password is replaced, wherever it would be kept; so are mail addresses."""
    endpoint.reply = b'{"data": {"form_data": {"password": "hunter2", "name": "x@example.org"}}}'
    add("gate", endpoint.url, secret="whsec_" + "RmlsZVNlY3JldEZpbGVTZWNyZXRGaWxlU2VjcmV0")
    register(project, password="before")
    [row] = kept()
    text = json.dumps([row.hooks, row.patch])
    assert "form_data.password" in text
    for secret in ("hunter2", "before", "example.org", "whsec"):
        assert secret not in text


def test_a_question_runs_no_query(project: Client, endpoint: Endpoint) -> None:
    """Neither at a point without a hook nor at one with hooks: another thread looks for changes."""
    add("gate", endpoint.url)
    register(project)
    with CaptureQueriesContext(connections[ALIAS]) as queries:
        for _ in range(100):
            webfilter(IDLE, {"mode": "x"})
        assert not has_hooks(IDLE)
        assert has_hooks("test.registration.requested")
        webfilter("test.registration.requested", {"form_data": FORM})
    assert list(queries) == []
    assert following().rows is not None


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_within_a_transaction_nobody_asks_who_may_not(
    project: Client, endpoint: Endpoint, settings: DjangoSettings
) -> None:
    """Each request is one here: the row fails by its policy, and the audit says why, whatever is rolled back."""
    endpoint.reply = NEW_NAME
    settings.TRACKSIDE = {}
    add("names", endpoint.url)
    assert register(project) == (200, {"name": "Ada L"})
    change(on_failure="fail_closed", message="Later, please.")
    assert register(project) == (400, {"error": "Later, please."})
    assert endpoint.requests == []
    open_, closed = kept()
    assert (open_.decision, open_.fail_open, open_.in_transaction) == ("passed", True, True)
    assert (closed.decision, closed.exception, closed.in_transaction) == (
        "halted",
        "PreventRegistration",
        True,
    )
    assert open_.hooks[0]["reason"] == closed.hooks[0]["reason"] == NOT_ASKED
    settings.TRACKSIDE = {"webfilters": {"points": {REGISTRATION.name: {"ask_in_transaction": True}}}}
    assert register(project) == (200, {"name": "New Name"})
    following().rows.stop(5)
