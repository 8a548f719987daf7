"""The generation of 2014: channels, actions, and answers that say what became of the event."""

import json
from typing import Any

import pytest

from tests.sources.segment_webhook.requests import (
    COURSE,
    PATH,
    Accounts,
    call,
    post,
    reasons,
    source,
)
from trackside.destinations.tracking_log.emitted_line import render_emitted
from trackside.sources.base import Decoded
from trackside.sources.segment_webhook import errors
from trackside.testing.source_contract import decode

GARBAGE_TIMES: list[Any] = [None, "", 5, [1], {"a": 1}, True, "garbage"]


def old(**members: Any) -> dict[str, Any]:
    """Return a call as an app of 2014 makes it; a member given as ... is left out."""
    made = {
        "channel": "mobile",
        "action": "Track",
        "context": {"library": {"name": "analytics-ios"}, "userAgent": "x"},
        "properties": said(),
        **members,
    }
    return call(type=..., **made)


def said(**members: Any) -> dict[str, Any]:
    """Return the properties of such a call."""
    made = {"event_type": "edx.done", "event": {"a": 1}, "context": {"course_id": COURSE}, **members}
    return {key: value for key, value in made.items() if value is not ...}


def receive(body: Any, *, query: bytes = b"key=anything", method: str = "POST", **settings: Any) -> Decoded:
    """Return what a webhook of 2014 makes of a body."""
    webhook = source(Accounts(honor=10), generation="2014", **settings)
    return decode(webhook, post(body, query=query, method=method))


def answer(decoded: Decoded) -> Any:
    """Return the answer's JSON, whose form the platform's clients know."""
    body = json.loads(decoded.reply.body)
    assert decoded.reply.body == json.dumps(body, indent=2).encode()
    assert decoded.reply.content_type == b"application/json"
    return body


def test_an_event_is_committed() -> None:
    """Its line has what the platform's had: the channel as the source, page, address and agent of the event."""
    decoded = receive(old(channel="Mobile", properties=said(page="a screen", ip="203.0.113.9")))
    assert answer(decoded) == {"committed": True}
    (event,) = decoded.events
    line = json.loads(render_emitted(event))
    context = line.pop("context")
    assert line == {
        "name": "edx.done",
        "username": "honor",
        "session": "",
        "ip": "203.0.113.9",
        "agent": "",
        "host": "lms.example.org",
        "referer": "",
        "accept_language": "",
        "event": {"a": 1},
        "time": "2024-05-06T07:08:09.123000+00:00",
        "event_type": "edx.done",
        "event_source": "Mobile",
        "page": "a screen",
    }
    assert context == {
        "user_id": 10,
        "path": PATH,
        "course_id": COURSE,
        "org_id": "edX",
        "enterprise_uuid": "",
        "client": {"library": {"name": "analytics-ios"}, "userAgent": "x"},
        "received_at": "2024-05-06T07:08:11.456000+00:00",
    }


def test_what_an_event_may_leave_out() -> None:
    """Page, address, payload, context and client are not required; an id given as text stays one."""
    body = old(context=..., userId="10", properties=said(event=..., context=...))
    (event,) = receive(body).events
    line = json.loads(render_emitted(event))
    assert (line["page"], line["ip"], line["event"]) == (None, "", {})
    assert line["context"]["user_id"] == "10"
    assert "client" not in line["context"]
    assert event.user_id == "10"


@pytest.mark.parametrize("value", [["a"], "text", 5, None, True])
def test_a_payload_is_kept_whatever_it_is(value: Any) -> None:
    """The platform never looked at it."""
    (event,) = receive(old(properties=said(event=value))).events
    assert json.loads(render_emitted(event))["event"] == value


@pytest.mark.parametrize("channel", [..., None, "", "server", "browser", "Browser"])
def test_other_channels_are_ignored(channel: Any) -> None:
    """And the sender is told."""
    decoded = receive(old(channel=channel))
    assert (decoded.reply.status, answer(decoded)) == (
        200,
        {"committed": False, "message": "Channel ignored"},
    )
    assert (list(decoded.ignored), decoded.rejects) == ([errors.CHANNEL_IGNORED], [])


@pytest.mark.parametrize("action", [..., None, "", "Identify", "Group", "Alias", "Page", "identify"])
def test_other_actions_are_ignored(action: Any) -> None:
    """And the sender is told."""
    decoded = receive(old(action=action))
    assert (decoded.reply.status, answer(decoded)) == (200, {"committed": False, "message": "Action ignored"})


@pytest.mark.parametrize("query", [b"", b"key=", b"key=y", b"key=%C3%A9"])
def test_a_wrong_key_is_told(query: bytes) -> None:
    """401, in JSON."""
    decoded = receive(old(), query=query)
    assert (decoded.reply.status, answer(decoded)) == (401, {"committed": False, "message": "Unauthorized"})
    assert receive(old(), secret="").reply.status == 401
    assert receive(old(), method="GET").reply.status == 405


SENTENCES: list[tuple[dict[str, Any], str]] = [
    *((old(userId=value), errors.ERROR_MISSING_USER_ID) for value in (..., None, "", 0)),
    (old(userId=40), errors.ERROR_USER_NOT_EXIST),
    (old(userId="foobar"), errors.ERROR_INVALID_USER_ID),
    (old(timestamp=...), errors.ERROR_MISSING_TIMESTAMP),
    (old(receivedAt=...), errors.ERROR_MISSING_RECEIVED_AT),
    (old(properties=said(event_type=...)), errors.ERROR_MISSING_EVENT_TYPE),
]


@pytest.mark.parametrize(("body", "sentence"), SENTENCES)
def test_a_refusal_is_told_and_kept(body: dict[str, Any], sentence: str) -> None:
    """400 with the platform's sentence; the operator finds the same with the body."""
    decoded = receive(body)
    assert (decoded.reply.status, answer(decoded)) == (400, {"committed": False, "message": sentence})
    assert [(reject.detail, json.loads(reject.body)) for reject in decoded.rejects] == [(sentence, body)]
    assert not decoded.events


def _each(*values: Any) -> tuple[Any, ...]:
    return values


CRASHES: list[Any] = [
    *(5, "text", None, True, []),
    *(old(channel=value) for value in (5, ["mobile"], {"a": 1})),
    *(old(action=value) for value in (5, ["Track"], {"a": 1})),
    *(old(properties=value) for value in _each(None, [], "x")),
    *(old(properties=said(context=value)) for value in _each(None, [], "x")),
    *(old(properties=said(context={"course_id": value})) for value in (5, ["x"])),
    *(old(properties=said(event_type=value)) for value in (None, 5, "", ["x"])),
    *(old(userId=value) for value in ([10], {"a": 1})),
    *(old(timestamp=value) for value in GARBAGE_TIMES),
    *(old(receivedAt=value) for value in GARBAGE_TIMES),
]


@pytest.mark.parametrize("body", CRASHES, ids=range(len(CRASHES)))
def test_what_failed_is_told(body: Any) -> None:
    """What the platform answered with 500 is answered 400, with a reason."""
    decoded = receive(body)
    assert decoded.reply.status == 400
    assert set(answer(decoded)) == {"committed", "message"}
    assert len(decoded.rejects) == 1


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[" * 100_000])
def test_bad_json_is_told(body: bytes) -> None:
    """In the same form."""
    decoded = receive(body)
    assert decoded.reply.status == 400
    assert not answer(decoded)["committed"]


@pytest.mark.parametrize(
    "course_id", ["foo/bar/baz", "course-v1:foo+bar+baz", "invalid"], ids=["old", "new", "invalid"]
)
def test_a_course_need_not_be_one(course_id: str) -> None:
    """A course id that cannot be understood costs only its organisation."""
    context = {
        "course_id": course_id,
        "org_id": "forged",
        "session": "s",
        "host": "h",
        "event_source": "server",
    }
    line = json.loads(render_emitted(receive(old(properties=said(context=context))).events[0]))
    assert line["context"]["course_id"] == course_id
    assert line["context"]["org_id"] == ("" if course_id == "invalid" else "foo")
    assert (line["session"], line["host"], line["event_source"]) == ("", "lms.example.org", "mobile")


def test_times_of_any_zone() -> None:
    """The platform took one form only, and no zone but Z."""
    (event,) = receive(old(timestamp="2014-08-27T16:33:39+02:00")).events
    assert json.loads(render_emitted(event))["time"] == "2014-08-27T14:33:39+00:00"


def test_a_batch_is_committed_if_anything_of_it_is() -> None:
    """Its other calls are refused alone."""
    decoded = receive([old(messageId="a"), old(userId=40), 5])
    assert answer(decoded) == {"committed": True}
    assert ([event.id for event in decoded.events], reasons(decoded)) == (
        ["a"],
        ["unknown_user", "not_an_object"],
    )
