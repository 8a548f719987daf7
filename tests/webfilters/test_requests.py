"""What a receiver gets."""

import json
from types import SimpleNamespace
from urllib.parse import parse_qsl

import pytest

from tests.webfilters.tools import DATA, ENROLLMENT, Asked, header, hook
from trackside.outbound.signing import verify

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
METADATA = {
    "event_type": "test.enrollment.requested",
    "time": "2026-11-20T12:00:00+00:00",
    "id": "question-1",
    "version": 1,
}


def test_the_fields_and_event_metadata_as_json() -> None:
    """As openedx-webhooks sends it: the fields on top, event_metadata beside them, its time in UTC."""
    asked = Asked(hook())
    asked.ask()
    [request] = asked.receivers.requests
    assert json.loads(request.body) == {**DATA, "event_metadata": METADATA}
    assert request.method == "POST"
    assert header(request, "content-type") == "application/json"
    assert header(request, "accept") == "application/json"
    assert header(request, "user-agent") == "Trackside"
    assert header(request, "webhook-id") == "question-1"


def test_form_encoding_flattens_names() -> None:
    """user_id, user_email, event_metadata_time: as the manual has it."""
    asked = Asked(hook(form_encoding=True))
    asked.ask()
    [request] = asked.receivers.requests
    assert header(request, "content-type") == "application/x-www-form-urlencoded"
    pairs = dict(parse_qsl(request.body.decode()))
    assert pairs["user_id"] == "7"
    assert pairs["user_email"] == "ada@example.org"
    assert pairs["event_metadata_time"] == "2026-11-20T12:00:00+00:00"
    assert pairs["context_list"] == "[1,2]"


def test_only_the_fields_of_the_hook_are_sent() -> None:
    """Less than the point sends."""
    asked = Asked(hook(fields=("user.id", "mode")))
    asked.ask()
    assert asked.bodies[0] == {"user": {"id": 7}, "mode": "audit", "event_metadata": METADATA}


def test_secrets_are_replaced_by_default() -> None:
    """Fields that are called as secrets are, at any depth; more where the hook says so."""
    data = {
        "context": {
            "csrf_token": "t",
            "HTTP_COOKIE": "c",
            "a": [{"password": "p"}],
            "mail": "ada@example.org",
        }
    }
    asked = Asked(hook(redact=("email",)))
    asked.ask(data)
    hidden = "********"
    context = {"csrf_token": hidden, "HTTP_COOKIE": hidden, "a": [{"password": hidden}], "mail": hidden}
    assert asked.bodies[0]["context"] == context


def test_a_redaction_that_fails_sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hook fails by its policy."""
    asked = Asked(hook(on_failure="fail_closed"))
    [prepared] = asked.webfilters.hooks_of(ENROLLMENT)

    def broken(_: object) -> None:
        raise RuntimeError("ada@example.org")

    monkeypatch.setattr(prepared, "_redaction", SimpleNamespace(value=broken))
    assert asked.stopped() is not None
    assert asked.receivers.requests == []
    assert asked.last.hooks[0].reason == "the data cannot be sent: RuntimeError"


def test_the_question_is_signed() -> None:
    """As Standard Webhooks has it, over the very bytes."""
    asked = Asked(hook(secret=KEY))
    asked.ask()
    [request] = asked.receivers.requests
    now_s = int(header(request, "webhook-timestamp") or 0)
    assert verify(request.body, dict(request.headers), secrets=[KEY], now_s=now_s)


def test_headers_and_credentials() -> None:
    """The hook's own User-Agent takes the place of ours."""
    asked = Asked(
        hook("a", headers={"X-Tenant": "7", "User-Agent": "LMS"}, bearer_token="t"),
        hook("b", basic_username="u", basic_password="p"),
    )
    asked.ask()
    first, second = asked.receivers.requests
    assert header(first, "x-tenant") == "7"
    assert [value for name, value in first.headers if name.lower() == "user-agent"] == ["LMS"]
    assert header(first, "authorization") == "Bearer t"
    assert header(second, "authorization") == "Basic dTpw"


def test_odd_values_are_sent() -> None:
    """Half of a surrogate pair, moments, sets: as JSON can say them."""
    asked = Asked(hook("a"), hook("b", form_encoding=True))
    asked.ask({"mode": "\ud800", "context": {"set": {1}}})
    sent = json.loads(asked.receivers.requests[0].body)
    assert (sent["context"], sent["mode"]) == ({"set": [1]}, "\ud800")
    assert all(each.outcome == "passed" for each in asked.last.hooks)
