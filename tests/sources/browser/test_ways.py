"""Every way a browser sends, and what becomes of it."""

import json
from urllib.parse import urlencode

import pytest

from tests.sources.browser.requests import (
    FORM,
    PAGE,
    PLAIN,
    SAID,
    accepted,
    as_json,
    decode,
    form,
    get,
    make_source,
    multipart,
    post,
)
from trackside.destinations.tracking_log.emitted_line import render_emitted
from trackside.event import is_emitted
from trackside.sources.base import Request
from trackside.testing.source_contract import request_of

MULTIPART = b"multipart/form-data; boundary="


@pytest.mark.parametrize(
    "request_",
    [
        get(urlencode(SAID).encode()),
        post(urlencode(SAID)),
        post(urlencode(SAID), FORM + b"; charset=UTF-8"),
        post(urlencode(SAID), FORM + b"; charset=nonsense"),
        post(urlencode(SAID), PLAIN),
        post(urlencode(SAID), b""),
        post(multipart(SAID), MULTIPART + b"b0undary"),
        post(multipart(SAID, "a b"), MULTIPART + b'"a b"; charset=utf-8'),
        post(json.dumps(SAID), b"application/json"),
        post(json.dumps(SAID), PLAIN),
        post(as_json(event={"old": 1, "new": 2}), b"application/json"),
        post(" \n" + json.dumps(SAID, indent=1), b""),
        post(as_json(other=float("inf"), event='{"old": 1, "new": 2}').replace("Infinity", "1e999"), PLAIN),
    ],
)
def test_every_way_a_browser_sends(request_: Request) -> None:
    event = accepted(request_)
    assert (event.name, event.type, event.source) == ("seq_next", "track", "web")
    assert event.decoded_data() == {"old": 1, "new": 2}
    assert event.timestamp == event.received_at
    assert is_emitted(event)
    context = event.decoded_context()
    assert (context["username"], context["event_source"], context["page"]) == ("anonymous", "browser", PAGE)
    assert (context["course_id"], context["org_id"]) == ("course-v1:edX+DemoX+2024", "edX")


def test_the_line_is_that_of_the_lms() -> None:
    """Key by key and in its order: the data as a text of JSON, what older readers look for at the top."""
    headers = {
        b"content-type": FORM,
        b"host": b"lms.example.org",
        b"user-agent": b"Mozilla/5.0",
        b"referer": PAGE.encode(),
        b"accept-language": b"en-US,en;q=0.9",
        b"origin": b"https://lms.example.org",
    }
    request = request_of("POST", "/event", urlencode(SAID).encode(), headers, client_ip="203.0.113.7")
    line = render_emitted(accepted(request)).decode()
    assert line == (
        '{"name": "seq_next", "context": {"user_id": null, "path": "/event", '
        '"course_id": "course-v1:edX+DemoX+2024", "org_id": "edX", "enterprise_uuid": ""}, '
        '"username": "anonymous", "session": "", "ip": "203.0.113.7", "agent": "Mozilla/5.0", '
        f'"host": "lms.example.org", "referer": "{PAGE}", "accept_language": "en-US,en;q=0.9", '
        '"event": "{\\"old\\": 1, \\"new\\": 2}", "time": "2026-11-20T19:25:00+00:00", '
        f'"event_type": "seq_next", "event_source": "browser", "page": "{PAGE}"}}'
    )


def test_a_course_key_beats_the_page() -> None:
    assert accepted(form(courserun_key="course-v1:a+b+c")).decoded_context()["course_id"] == "course-v1:a+b+c"


@pytest.mark.parametrize("key", ["x" * 10_000, "course-v1:" + "a" * 500 + "+b+c", "\x00", "course-v1:a+b"])
def test_a_course_key_that_is_odd(key: str) -> None:
    """A long one is understood as well as a short one."""
    course_id = accepted(form(courserun_key=key)).decoded_context()["course_id"]
    assert course_id == (key if "aaa" in key else "")


@pytest.mark.parametrize("body", [b"", b"%%%", b"\xff\xfe\x00", b"5", b"null", b"event_type=", b"a=b&a=c"])
def test_what_names_no_event_is_unknown(body: bytes) -> None:
    """As it always was: an event without a name is called so."""
    for kind in (FORM, b"text/plain", b"application/json", b""):
        event = accepted(post(body, kind))
        assert (event.name, event.decoded_data(), event.decoded_context()["page"]) == ("unknown", {}, None)


def test_an_event_without_a_page() -> None:
    event = accepted(post("event_type=x"))
    assert event.decoded_context()["page"] is None
    assert event.decoded_context()["course_id"] == ""


def test_the_last_of_several_fields_counts() -> None:
    assert accepted(post("event_type=a&event_type=b")).name == "b"
    assert accepted(post('{"event_type": "a", "event_type": "b"}')).name == "unknown"
    assert accepted(post('{"event_type": "a", "event_type": "b"}', PLAIN)).name == "b"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "HEAD", "BREW"])
def test_other_methods_are_not_allowed(method: str) -> None:
    decoded = decode(request_of(method, "/event", b"event_type=x"))
    assert decoded.reply.status == 405
    assert (b"allow", b"GET, POST") in decoded.reply.headers
    assert not decoded.rejects


def test_no_answer_comes_out_of_a_cache() -> None:
    """It would be an event that nobody has."""
    assert (b"cache-control", b"no-store") in decode(get(b"event_type=x")).reply.headers


def test_with_and_without_the_slash() -> None:
    source = make_source(path="/events/browser")
    paths = ("/events/browser", "/events/browser/", "/event", "/events/browser//")
    assert [source.handles(path) for path in paths] == [True, True, False, False]


def test_an_allow_list_of_names() -> None:
    """Others are answered as ever, not stored, and counted."""
    source = make_source(names=("edx.ui.*", "seq_next"))
    for name in ("seq_next", "edx.ui.lms.link_clicked"):
        assert accepted(form(event_type=name), source).name == name
    for name in ("edx.grades.problem.submitted", ""):
        decoded = decode(form(event_type=name), source)
        assert (decoded.reply.status, decoded.reply.body) == (200, b"success")
        assert (decoded.events, decoded.rejects, decoded.ignored) == ((), (), ("name_not_allowed",))
    assert accepted(form(event_type=""), make_source(names=("unknown",))).name == "unknown"
