"""What AppRTC's own tests of its page assert, and what its documentation promises."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.sources.client_clock.requests import (
    ELEVEN,
    EVENT,
    INVALID,
    REPORT,
    SUCCESS,
    accepted,
    decode,
    make_source,
    post,
    refused,
    report,
)
from trackside.testing.source_contract import request_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def without(member: str, *, of_event: bool = False) -> dict[str, Any]:
    event = {name: value for name, value in EVENT.items() if not of_event or name != member}
    return {name: value for name, value in {**REPORT, "event": event}.items() if of_event or name != member}


def test_analytics_page() -> None:
    """At 11 s a report sent at 10 s of an event at 8 s happened at 9 s; all that was said is kept."""
    event = accepted(report(), {b"host": b"localhost:80"})
    assert event.timestamp == EPOCH + timedelta(seconds=9)
    assert (event.original_timestamp, event.sent_at, event.received_at) == ("8000", "10000", ELEVEN)
    assert (event.skew_ms, event.clock_flags) == (1_000, ())
    assert event.name == "ICE_CONNECTION_STATE_CONNECTED"
    assert event.decoded_data() == {
        "event_type": "ICE_CONNECTION_STATE_CONNECTED",
        "room_id": "foo",
        "flow_id": 31_337,
        "client_type": "JS",
    }
    assert event.decoded_context()["host"] == "localhost"


def test_analytics_page_without_what_is_optional() -> None:
    event = accepted(
        {"type": "event", "request_time_ms": 10_000, "event": {"event_type": 2, "event_time_ms": 8_000}}
    )
    assert event.decoded_data() == {"event_type": "ROOM_SIZE_2"}
    assert event.timestamp == EPOCH + timedelta(seconds=9)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "invalid_json"),
        (report(type="crazy_brains"), "unknown_type"),
        (without("type"), "missing_type"),
        (without("request_time_ms"), "missing_time"),
        (without("event"), "missing_event"),
        (without("event_type", of_event=True), "missing_event"),
        (without("event_time_ms", of_event=True), "invalid_time"),
    ],
)
def test_analytics_page_fail(body: object, reason: str) -> None:
    assert refused(body).reason == reason


@pytest.mark.parametrize(
    ("event_type", "name"),
    [
        (2, "ROOM_SIZE_2"),
        (3, "ICE_CONNECTION_STATE_CONNECTED"),
        (2.0, "ROOM_SIZE_2"),
        (-1, "-1"),
        (4, "4"),
        (2.5, "2.5"),
        ("2", "2"),
        ("room_size_2", "room_size_2"),
        ("Raum\u00f6ffnung \U0001f600", "Raum\u00f6ffnung \U0001f600"),
        (True, "True"),
        (False, "False"),
        (float("nan"), "nan"),
        (10**30, str(10**30)),
    ],
)
def test_event_types(event_type: object, name: str) -> None:
    """Numbers have names; whatever else is kept as its text."""
    event = accepted(report({"event_type": event_type}))
    assert event.name == event.decoded_data()["event_type"] == name


def test_an_event_type_without_a_letter() -> None:
    """It is what the data says; the event is called as one without a name."""
    event = accepted(report({"event_type": ""}))
    assert (event.name, event.decoded_data()["event_type"]) == ("unknown", "")


@pytest.mark.parametrize(
    ("client_type", "name"),
    [
        *((number, name) for number, name in enumerate(("UNKNOWN", "JS", "DESKTOP", "IOS", "ANDROID"))),
        (True, "JS"),
        (False, "UNKNOWN"),
        (1.0, "JS"),
        ("1", "1"),
        (9, "9"),
        ("", ""),
    ],
)
def test_client_types(client_type: object, name: str) -> None:
    assert accepted(report(client_type=client_type)).decoded_data()["client_type"] == name


@pytest.mark.parametrize("optional", ["room_id", "flow_id"])
def test_null_is_not_given(optional: str) -> None:
    assert optional not in accepted(report({optional: None})).decoded_data()
    assert optional not in accepted(report({optional: None, "other": 1})).decoded_data()


@pytest.mark.parametrize("value", [0, "", False, [1, {"a": None}], {"b": "\u00e9"}, 1.5, "x" * 1_000])
def test_a_room_is_whatever_its_client_calls_it(value: object) -> None:
    assert accepted(report({"room_id": value})).decoded_data()["room_id"] == value


def test_what_the_page_does_not_know_is_kept() -> None:
    """Members of the event, as they are; the documented ones win."""
    body = b"""{"type": "event", "request_time_ms": 10000, "client_type": 3, "else": 1,
        "event": {"event_type": 2, "event_time_ms": 8000, "x": [1.10,
        2], "client_type": 7, "null": null}}"""
    event = accepted(body)
    assert bytes(event.data) == (b'{"event_type":"ROOM_SIZE_2","x":[1.10,2],"client_type":"IOS","null":null}')
    assert (event.original_timestamp, event.sent_at) == ("8000", "10000")


@pytest.mark.parametrize(
    "content_type",
    [b"text/plain;charset=UTF-8", b"application/json", b"application/x-www-form-urlencoded", b""],
)
def test_the_body_is_json_whatever_its_type(content_type: bytes) -> None:
    assert accepted(report(), {b"content-type": content_type}).name


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "BREW"])
def test_only_posts(method: str) -> None:
    decoded = decode(request_of(method, "/a/", b"{}"))
    assert decoded.reply.status == 405
    assert decoded.reply.headers == ((b"allow", b"POST"),)
    assert not decoded.rejects


def test_with_and_without_the_slash() -> None:
    """Both are the page's; nothing else is."""
    source = make_source(path="/rtc/")
    assert [source.handles(path) for path in ("/rtc/", "/rtc", "/rtc//", "/a/", "/", "/RTC/")] == [
        *(True, True),
        *(False, False, False, False),
    ]


def test_answers_are_the_pages_to_the_letter() -> None:
    assert decode(post(report())).reply.body == SUCCESS
    assert decode(post(b"{")).reply.body == INVALID
    assert decode(post(report())).reply.content_type == b"application/json"


@pytest.mark.parametrize(
    ("client_type", "origin", "event_source"),
    [
        (1, b"", "browser"),
        (True, b"https://a.example.org", "browser"),
        (3, b"", "mobile"),
        (4, b"https://a.example.org", "mobile"),
        (2, b"", "server"),
        (2, b"https://a.example.org", "browser"),
        (0, b"", "server"),
        (None, b"", "server"),
        (None, b"https://a.example.org", "browser"),
        ("other", b"", "server"),
    ],
)
def test_the_event_source(client_type: object, origin: bytes, event_source: str) -> None:
    event = accepted(report(client_type=client_type), {b"origin": origin})
    assert event.decoded_context()["event_source"] == event_source


def test_pages_of_any_origin() -> None:
    """Without a setting all may send and read the answer, without cookies; a preflight is answered."""
    source = make_source()
    decoded = decode(post(report(), {b"origin": b"https://a.example.org"}), source)
    assert (b"access-control-allow-origin", b"*") in decoded.reply.headers
    asked = {b"origin": b"https://a.example.org", b"access-control-request-headers": b"content-type"}
    preflight = decode(request_of("OPTIONS", "/a/", b"", asked), source).reply
    assert preflight.status == 204
    assert (b"access-control-allow-headers", b"content-type") in preflight.headers


def test_pages_of_some_origins() -> None:
    """Others are told no, before anything is read; who is no page may always send."""
    source = make_source(origins=("https://a.example.org", "https://*.example.com"))
    for origin in (b"https://a.example.org", b"https://x.example.com"):
        for request in (post(report(), {b"origin": origin}), post(b"{", {b"origin": origin})):
            decoded = decode(request, source)
            assert decoded.reply.status == 200
            assert (b"access-control-allow-origin", origin) in decoded.reply.headers
    for request in (
        post(report(), {b"origin": b"null"}),
        request_of("OPTIONS", "/a/", b"", {b"origin": b"x"}),
    ):
        decoded = decode(request, source)
        assert (decoded.reply.status, decoded.ignored) == (403, ("origin_not_allowed",))
        assert not decoded.events
    assert decode(post(report()), source).events
