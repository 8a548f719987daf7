"""What was found wrong with webfilters in openedx-webhooks, by its number: none of it is here.

D4, D5 and D26 are about webhooks and the storage of rows; D14, D21, D22 and D27 about the platform's side.
"""

import json
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.webfilters.tools import (
    DATA,
    ENROLLMENT,
    Asked,
    PreventEnrollment,
    changes,
    declare,
    fails,
    header,
    hook,
    says,
    stops,
)
from trackside.errors import ConfigurationError
from trackside.outbound.base import Answer, Failed, Fault, Outgoing
from trackside.outbound.policy import AddressPolicy
from trackside.outbound.signing import verify
from trackside.webfilters import Hook, RedirectUrl, Stops, Webfilters, problems, webfilter
from trackside.webfilters.snapshot import Unsendable, snapshot

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_d1_every_declared_point_can_be_asked_by_the_name_it_has() -> None:
    """There is one name, and a wrong one is an error where it is used, not a row that never fires."""
    assert webfilter(ENROLLMENT.name, DATA).data is DATA
    with pytest.raises(ConfigurationError):
        webfilter(ENROLLMENT.name.upper(), DATA)


def test_d2_receivers_do_not_add_up() -> None:
    """Deciders are asked side by side, and a dead receiver is left alone."""
    slow = says({}, took_s=0.3)
    asked = Asked(*(hook(name, kind="decider") for name in "abc"), a=slow, b=slow, c=slow)
    asked.ask()
    assert asked.last.duration_s == pytest.approx(0.3)


def test_d3_there_is_a_deadline_for_all_of_it() -> None:
    """However many are slow."""
    slow = says({}, took_s=0.45)
    hooks = [hook(name, order=number) for number, name in enumerate("abcdef")]
    asked = Asked(*hooks, a=slow, b=slow, c=slow, d=slow, e=slow, f=slow)
    asked.ask()
    assert asked.last.duration_s == pytest.approx(0.8)


def test_d6_nothing_is_changed_by_the_question_itself() -> None:
    """What is in a transaction of the caller's stays the caller's: it gets values and stores them, or not."""
    user = {"first_name": "Ada"}
    result = Asked(hook(), crm=changes(user={"first_name": "E"})).ask({"user": user})
    assert (user, result.data["user"]) == ({"first_name": "Ada"}, {"first_name": "E"})


def test_d7_questions_are_signed_and_answers_can_have_to_be() -> None:
    """The receiver knows who asks, the platform who answers."""
    asked = Asked(hook(secret=KEY, signed_replies=True, on_failure="fail_closed"), crm=changes(mode="paid"))
    assert isinstance(asked.stopped(), PreventEnrollment)
    [request] = asked.receivers.requests
    at_s = int(header(request, "webhook-timestamp") or 0)
    assert verify(request.body, dict(request.headers), secrets=[KEY], now_s=at_s)


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/latest", "http://localhost/", "http://10.0.0.1/", "file:///etc"]
)
def test_d8_the_address_policy_holds_and_redirects_are_not_followed(url: str) -> None:
    """A client refuses the address; that is a failure by the policy of the hook. 307 is no answer."""
    policy = AddressPolicy()

    class Guarded:
        def ask(self, requests: Sequence[Outgoing], *, budget_s: float) -> list[Answer | Failed]:
            reasons = [policy.why_not_url(request.url) for request in requests]
            return [
                Failed(fault=Fault.REFUSED_ADDRESS, detail=reason or "", maybe_sent=False)
                for reason in reasons
            ]

    assert policy.why_not_url(url)
    assert isinstance(
        Asked(hook(url=url, on_failure="fail_closed"), asker=Guarded()).stopped(), PreventEnrollment
    )
    moved = says(b"", status=307, headers={"location": url})
    asked = Asked(hook(), crm=moved)
    asked.ask()
    assert len(asked.receivers.requests) == 1
    assert asked.last.fail_open


def test_d9_the_password_is_never_sent() -> None:
    """Not as a field nobody declared, nor within one that is."""
    asked = Asked(hook("a"), hook("b", form_encoding=True))
    asked.ask({**DATA, "password": "pbkdf2$x", "user": {"id": 7, "password": "pbkdf2$x"}})
    assert all(b"pbkdf2" not in request.body for request in asked.receivers.requests)


@pytest.mark.parametrize("field", ["is_superuser", "is_staff", "password", "email", "username", "id"])
def test_d10_no_answer_grants_a_privilege_or_takes_an_account(field: str) -> None:
    """Only declared fields may be changed, and one that is not spoils all of the answer."""
    asked = Asked(hook(), crm=changes(user={"first_name": "E", field: True}))
    assert asked.ask().changes == {}
    assert asked.last.hooks[0].reason == f"user.{field} may not be changed"


def test_d10_a_refusal_saves_nothing() -> None:
    """Data beside an exception is not applied."""
    body = {"data": {"mode": "paid"}, "exception": {"PreventEnrollment": "No"}}
    asked = Asked(hook(), crm=says(body))
    assert asked.stopped() is not None
    assert asked.last.patch == ()


def test_d11_no_payload_and_no_url_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever happens: what is logged holds neither data nor the address."""
    caplog.set_level(0)
    for reply in (changes(mode="x"), stops(), fails(), says(b"<html>"), says({}, status=500)):
        Asked(hook(url="https://hooks.example.org/crm?token=SECRET"), crm=reply).stopped()
    Asked(Hook(name="bad", point=ENROLLMENT.name, url="ftp://SECRET")).ask()
    assert not any(word in caplog.text for word in ("SECRET", "ada@example.org", "hooks.example.org"))


def test_d12_users_are_shown_nothing_of_the_receiver() -> None:
    """Not its URL, not its status line, not its fault."""
    for reply in (fails(), says(b"", status=403), says(b"", status=500)):
        asked = Asked(
            hook(
                url="https://hooks.example.org/crm?token=SECRET", on_failure="fail_closed", halt_on_4xx=True
            ),
            crm=reply,
        )
        assert str(asked.stopped()) == "This is not possible at the moment."


@pytest.mark.parametrize(
    "body",
    [
        *(None, 5, True, [], "x", {"data": None}, {"data": 5}, {"exception": 5}),
        {"data": {"user": {"unknown": 1}}},
        {"data": {"expires": "soon"}},
        {"data": {"expires": 5}},
        {"data": {"context": "str"}},
        {"data": {"mode": None}},
        {"exception": {"PreventEnrollment": {"bogus": 1}}},
        {"exception": {"RenderInstead": {"status": 200}}},
        {"exception": {"PreventEnrollment": 7}},
        {"exception": {"KeyError": "x"}},
    ],
)
def test_d13_no_answer_is_an_error_of_the_platform(body: Any) -> None:
    """The answers that made 500 there."""
    assert Asked(hook(), crm=says(body)).ask().changes == {}


@pytest.mark.parametrize(
    "fields", [{}, {"status_code": int}, {"status_code": int, "redirect_to": RedirectUrl}]
)
def test_d15_a_halt_is_raised_by_every_class(fields: Mapping[str, Any]) -> None:
    """It is given what it declares: no TypeError for a class without status_code or redirect_to."""

    class Prevented(Exception):  # noqa: N818
        def __init__(self, message: str, **given: Any) -> None:
            super().__init__(message)
            assert set(given) <= set(fields)

    point = declare("test.d15", sends={"a": int}, exceptions={"Prevented": Stops(Prevented, fields=fields)})
    for status, switch in ((404, "4xx"), (503, "5xx")):
        settings: dict[str, Any] = {f"halt_on_{switch}": True, f"redirect_on_{switch}": "/x"}
        asked = Asked(hook(point=point.name, **settings), crm=says({}, status=status))
        with pytest.raises(Prevented):
            asked.ask({"a": 1}, point)


def test_d16_nothing_is_gathered_where_nobody_is_asked() -> None:
    """The platform can know before it evaluates a query."""
    assert not Asked(hook(point="elsewhere")).webfilters.has_hooks(ENROLLMENT)
    assert Asked(hook()).webfilters.has_hooks(ENROLLMENT)


def test_d17_what_goes_into_a_query_is_typed() -> None:
    """Not any name of a lookup: those that the point declares."""
    point = declare(
        "test.d17",
        sends={"enrollments": list, "filter": dict},
        changes={"filter.mode": str, "filter.org": str},
        exceptions={"No": PreventEnrollment},
    )
    for name in ("user__password__startswith", "pk", "mode__regex"):
        asked = Asked(hook(point=point.name), crm=changes(filter={name: "a"}))
        assert asked.ask({"enrollments": [1]}, point).changes == {}
    assert Asked(hook(point=point.name), crm=changes(filter={"mode": "audit"})).ask({}, point).changes == {
        "filter": {"mode": "audit"}
    }


def test_d18_a_graph_that_contains_itself_is_refused_quickly() -> None:
    """Objects that are connected many times over too: they would be megabytes of JSON."""
    children: list[Any] = []
    parent = {"children": children}
    children.extend({"parent": parent, "siblings": children} for _ in range(20))
    shared: list[Any] = [1]
    for _ in range(30):
        shared = [shared, shared]
    began = time.perf_counter()
    for graph in (parent, shared, object()):
        with pytest.raises(Unsendable):
            snapshot(ENROLLMENT, {"context": graph})
    assert time.perf_counter() - began < 0.5


@pytest.mark.parametrize(
    "name", ["csrf_token", "api_key", "HTTP_COOKIE", "HTTP_AUTHORIZATION", "sessionid", "cookies"]
)
def test_d19_secrets_are_known_by_more_than_13_names(name: str) -> None:
    """At any depth, however they are written."""
    asked = Asked(hook())
    asked.ask({"context": {"request": {"META": {name: "SECRET"}}}})
    assert b"SECRET" not in asked.receivers.requests[0].body


def test_d20_a_point_without_hooks_costs_nothing() -> None:
    """No question to a database or anybody; five microseconds at the most."""

    class Nobody:
        def ask(self, requests: Sequence[Outgoing], *, budget_s: float) -> list[Failed]:
            raise AssertionError(f"{requests} {budget_s}")

    webfilters = Webfilters([hook(point="elsewhere")], asker=Nobody())
    webfilters.ask(ENROLLMENT, DATA)
    rounds = []
    for _ in range(20):
        began = time.perf_counter()
        for _ in range(1_000):
            webfilters.ask(ENROLLMENT, DATA)
        rounds.append((time.perf_counter() - began) / 1_000)
    assert min(rounds) <= 5e-6


def test_d23_a_question_has_an_id_a_version_and_a_time_that_says_its_zone() -> None:
    """The id is in the record, and is the one of the signature."""
    asked = Asked(hook())
    asked.ask()
    metadata = asked.bodies[0]["event_metadata"]
    assert metadata["time"].endswith("+00:00")
    assert metadata["version"] == 1
    assert metadata["id"] == asked.last.id == header(asked.receivers.requests[0], "webhook-id")
    assert "." not in json.dumps(list(asked.bodies[0]))


@pytest.mark.parametrize("url", ["javascript:alert(1)", "//evil.example.org", 5, None, ["/"], "/a\r\nb"])
def test_d24_an_url_is_one_or_is_refused(url: Any) -> None:
    """In a change as in an exception."""
    point = declare("test.d24", sends={"url": str}, changes={"url": RedirectUrl})
    assert Asked(hook(point=point.name), crm=changes(url=url)).ask({"url": "/home"}, point).data == {
        "url": "/home"
    }
    good = Asked(hook(point=point.name), crm=changes(url="/about")).ask({"url": "/home"}, point)
    assert good.data == {"url": "/about"}


def test_d25_a_hook_is_asked_about_some_of_the_questions_with_some_of_the_data() -> None:
    """By fields, by a share, for several points; with a time, an order and a policy of its own."""
    row = hook(
        point="test.*",
        where={"course_id": "course-v1:edX+*"},
        fields=("user.id",),
        sample_share=0.6,
        timeout_s=0.1,
        order=5,
        on_failure="fail_closed",
    )
    assert [*problems(row, ENROLLMENT)] == []
    asked = Asked(row)
    asked.ask()
    asked.ask({**DATA, "course_id": "course-v1:MIT+X+1"})
    [request] = asked.receivers.requests
    assert request.timeout_s == 0.1
    assert set(asked.bodies[0]) == {"user", "event_metadata"}


def test_d28_questions_of_many_threads_do_not_mix() -> None:
    """Each gets the answer to what it asked."""

    class Echo:
        def ask(self, requests: Sequence[Outgoing], *, budget_s: float) -> list[Answer]:
            time.sleep(0)
            return [changes(mode=json.loads(request.body)["course_id"]) for request in requests]

    webfilters = Webfilters([hook()], asker=Echo())
    wrong: list[object] = []

    def ask(name: str) -> None:
        wrong.extend(
            found
            for _ in range(50)
            if (found := webfilters.ask(ENROLLMENT, {"course_id": name, "mode": ""}).data["mode"]) != name
        )

    threads = [threading.Thread(target=ask, args=(str(number),)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
