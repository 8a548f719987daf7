"""The lines of what the apps of the platform send: those the platform itself writes, field by field."""

import json
from typing import Any

import pytest

from tests.sources.segment_webhook.requests import COURSE, PATH, Accounts, call, post, properties, source
from tests.sources.segment_webhook.test_generation_2014 import old, said
from trackside.destinations.tracking_log.emitted_line import render_emitted
from trackside.event import Event
from trackside.testing.source_contract import decode

MODULE = "i4x://foo/bar/baz/some_module"
BROWSER_URL = "https://lms.example.org/courses/course-v1:edX+DemoX+2024/courseware/w/a/1"
ANDROID = {"name": "edx.mobileapp.android", "version": "1.0.02"}
IOS = {"name": "edx.mobileapp.iOS", "version": "1.0.02"}


def line_of(body: dict[str, Any], **settings: Any) -> tuple[dict[str, Any], Event]:
    """Return the line of the one event of a call, and the event."""
    request = post(body, host=b"testserver", user_agent=b"Segment.io/1.0")
    (event,) = decode(source(Accounts(honor=1), **settings), request).events
    return json.loads(render_emitted(event)), event


def playing(name: str, data: dict[str, Any], **context: Any) -> dict[str, Any]:
    """Return the call for something that happened in a player."""
    context = {"course_id": COURSE, "component": "videoplayer", **context}
    return call(userId=1, properties=properties(name=name, data=data, context=context))


def pinned_call() -> dict[str, Any]:
    """Return the call whose line the platform's own code wrote."""
    said = properties(
        name="edx.video.played",
        data={
            "code": "mobile",
            "module_id": "block-v1:edX+DemoX+2024+type@video+block@v1",
            "current_time": 1.5,
        },
        context={
            "course_id": COURSE,
            "app_name": "edx.mobileapp.android",
            "component": "videoplayer",
            "open_in_browser_url": BROWSER_URL,
        },
    )
    context = {
        "library": {"name": "analytics-android", "version": "4"},
        "app": {"version": "3.1"},
        "device": {"model": "Pixel"},
        "ip": "198.51.100.4",
        "userAgent": "okhttp",
        "traits": {"email": "x@y.z"},
        "integrations": {"All": True},
    }
    return call(userId=1, properties=said, context=context)


PINNED: dict[str, Any] = {
    "name": "edx.video.played",
    "context": {
        "user_id": 1,
        "path": PATH,
        "course_id": COURSE,
        "org_id": "edX",
        "enterprise_uuid": "",
        "application": {"name": "edx.mobileapp.android", "version": "3.1"},
        "client": {
            "library": {"name": "analytics-android", "version": "4"},
            "app": {"version": "3.1"},
            "device": {"model": "Pixel"},
            "ip": "198.51.100.4",
        },
        "component": "videoplayer",
        "received_at": "2024-05-06T07:08:11.456000+00:00",
    },
    "username": "honor",
    "session": "",
    "ip": "",
    "agent": "okhttp",
    "host": "testserver",
    "referer": "",
    "accept_language": "",
    "event": {"code": "mobile", "id": "v1", "currentTime": 1.5},
    "time": "2024-05-06T07:08:09.123000+00:00",
    "event_type": "play_video",
    "event_source": "mobile",
    "page": BROWSER_URL.rpartition("/")[0],
}


def test_the_line_the_platform_wrote() -> None:
    """Every field, in the platform's order, which tools that read lines by eye rely on."""
    line, event = line_of(pinned_call())
    assert line == PINNED
    assert list(line) == list(PINNED)
    assert list(line["event"]) == list(PINNED["event"])
    assert (event.user_id, event.id, event.type) == ("1", "mmm", "track")


VIDEO = [
    ("edx.video.loaded", "load_video"),
    ("edx.video.position.changed", "seek_video"),
    ("edx.video.stopped", "stop_video"),
    ("edx.video.paused", "pause_video"),
    ("edx.video.played", "play_video"),
    ("edx.video.transcript.shown", "show_transcript"),
    ("edx.video.transcript.hidden", "hide_transcript"),
]


@pytest.mark.parametrize(("name", "event_type"), VIDEO, ids=[name for name, _ in VIDEO])
def test_a_video_event_has_its_older_fields(name: str, event_type: str) -> None:
    """Type, block, time and page are what analyses of the browser's player know; everything else stays."""
    data = {"current_time": 132.134456, "module_id": MODULE, "code": "mobile"}
    line, event = line_of(playing(name, data, open_in_browser_url=BROWSER_URL))
    assert event.name == name
    assert event.decoded_data() == data
    assert line == {
        **PINNED,
        "name": name,
        "event": {"code": "mobile", "id": "i4x-foo-bar-baz-some_module", "currentTime": 132.134456},
        "event_type": event_type,
        "context": {
            **PINNED["context"],
            "application": {"name": "", "version": "3.1"},
            "client": {"library": {"name": "analytics-android", "version": "4"}, "app": {"version": "3.1"}},
        },
    }


BUILDS: list[tuple[str, dict[str, Any], Any, str | None, Any, str | None]] = [
    ("iOS skips forward, it says: it may have been back", IOS, 30, "skip", -30, "onSkipSeek"),
    ("iOS skips back", IOS, -30, "skip", -30, "onSkipSeek"),
    ("iOS slides", IOS, 34, "slide", 34, "onSlideSeek"),
    ("iOS says that it skips, but not by a button", IOS, 34, "skip", 34, "onSlideSeek"),
    ("Android skips back", ANDROID, -30, "skip", -30, "onSkipSeek"),
    ("Android slides, it says", ANDROID, -30, "slide", -30, "onSlideSeek"),
    ("a later iOS skips forward", {**IOS, "version": "1.0.03"}, 30, "skip", 30, "onSkipSeek"),
    ("neither says how", IOS, 30, None, 30, None),
]


@pytest.mark.parametrize("name", ["edx.video.seeked", "edx.video.position.changed"])
@pytest.mark.parametrize(
    ("application", "interval", "seek_type", "expected", "kind"),
    [row[1:] for row in BUILDS],
    ids=[row[0] for row in BUILDS],
)
def test_what_older_builds_said_of_seeking(
    name: str,
    application: dict[str, Any],
    interval: Any,
    seek_type: str | None,
    expected: Any,
    kind: str | None,
) -> None:
    """Build 1.0.02 named the event otherwise, iOS left out the sign, and slides were called skips."""
    data = {"old_time": 119.1, "new_time": 149.1, "requested_skip_interval": interval, "module_id": MODULE}
    if seek_type is not None:
        data["seek_type"] = seek_type
    line, _ = line_of(playing(name, data, application=application))
    assert (line["name"], line["event_type"]) == ("edx.video.position.changed", "seek_video")
    assert line["event"] == {
        "old_time": 119.1,
        "new_time": 149.1,
        "requested_skip_interval": expected,
        "id": "i4x-foo-bar-baz-some_module",
        **({} if kind is None else {"type": kind}),
    }
    assert line["context"]["application"] == application
    assert line["page"] is None


UNUSUAL: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("edx.video.played", {"module_id": 5}, {}),
    ("edx.video.played", {}, {"open_in_browser_url": 5}),
    ("edx.video.seeked", {"requested_skip_interval": "x", "type": "y"}, {}),
    ("edx.video.seeked", {"seek_type": []}, {}),
    ("edx.ui.lms.sequence.next_selected", {}, {}),
]


@pytest.mark.parametrize(("name", "data", "context"), UNUSUAL)
def test_what_a_player_should_not_send_stays_as_it_is(
    name: str, data: dict[str, Any], context: dict[str, Any]
) -> None:
    """As on the platform: the event is written, untransformed."""
    line, _ = line_of(playing(name, data, **context))
    assert (line["name"], line["event_type"], line["event"]) == (name, name, data)


def test_a_key_that_is_none_costs_only_the_id() -> None:
    """The platform leaves it out as well."""
    line, _ = line_of(playing("edx.video.played", {"module_id": "junk", "current_time": 1}))
    assert (line["event_type"], line["event"]) == ("play_video", {"currentTime": 1})


LARGE = [("1e400", 1), ("-1e400", -1), ("9" * 4_300, 1), ("-" + "9" * 4_300, -1), ("1e" + "1" * 4_000, 1)]


@pytest.mark.parametrize(("number", "sign"), LARGE, ids=[number[:6] for number, _ in LARGE])
@pytest.mark.parametrize("event_source", ["mobile", "browser"])
def test_a_number_too_large_for_python_does_not_cost_the_line(
    number: str, sign: int, event_source: str
) -> None:
    """It is JSON, so the door takes it and keeps it as written; the line has a number any reader can read."""
    body = json.dumps(playing("edx.bi.x", {"n": "N"}, m="N", event_source=event_source)).replace(
        '"N"', number
    )
    webhook = source(Accounts(honor=1), trust_client_context=True)
    (event,) = decode(webhook, post(body.encode())).events
    assert number.encode() in bytes(event.data)
    line = json.loads(render_emitted(event), parse_constant=lambda _: pytest.fail("not JSON"))
    data = (
        json.loads(line["event"], parse_constant=lambda _: pytest.fail("not JSON"))
        if event_source == "browser"
        else line["event"]
    )
    for found in (data["n"], line["context"]["m"]):
        assert found != float("inf") * sign
        assert found * sign > 1e308


def test_a_line_of_2014() -> None:
    """It has the fields of then, and its event's own page, address and type."""
    body = old(userId="1", properties=said(page=BROWSER_URL, ip="203.0.113.9", event={"a": 1}))
    line, _ = line_of(body, generation="2014")
    assert line == {
        **PINNED,
        "name": "edx.done",
        "event_type": "edx.done",
        "ip": "203.0.113.9",
        "agent": "",
        "event": {"a": 1},
        "page": BROWSER_URL,
        "context": {
            "user_id": "1",
            "path": PATH,
            "course_id": COURSE,
            "org_id": "edX",
            "enterprise_uuid": "",
            "client": {"library": {"name": "analytics-ios"}, "userAgent": "x"},
            "received_at": "2024-05-06T07:08:11.456000+00:00",
        },
    }
