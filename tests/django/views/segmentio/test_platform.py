"""What the platform's documentation of the webhook says, case by case, with the platform's processors."""

import hmac
import json
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import RequestFactory
from pytest_django import Settings

from tests.django.conftest import Collecting, Emitted
from tests.django.views.segmentio.conftest import PATH, post
from tests.sources.segment_webhook.requests import Accounts
from trackside.clock import parse_timestamp
from trackside.django.views import segmentio
from trackside.processors.legacy_fields import LegacyFieldMappingProcessor
from trackside.processors.prefixed import PrefixedEventProcessor
from trackside.tracker import TRACKERS, Tracker

COURSES = [("foo/bar/baz", "foo"), ("course-v1:foo+bar+baz", "foo")]
APPS = [("edx.mobileapp.iOS", "1.0.02"), ("edx.mobileapp.android", "1.0.02")]


@pytest.fixture(autouse=True)
def _settings(site: Settings, users: Accounts) -> None:
    users.ids = {10: "tester"}
    site.TRACKING_IGNORE_URL_PATTERNS = ["^/segmentio/event"]
    site.TRACKING_SEGMENTIO_ALLOWED_TYPES = ["track"]
    site.TRACKING_SEGMENTIO_DISALLOWED_SUBSTRING_NAMES = []
    site.TRACKING_SEGMENTIO_SOURCE_MAP = {"test-app": "mobile"}
    site.MIDDLEWARE = ["trackside.django.middleware.TrackMiddleware"]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Emitted:
    """Return the lines that the platform's chain of processors makes of what is emitted."""
    collecting = Collecting()
    processors: list[Any] = [LegacyFieldMappingProcessor(), PrefixedEventProcessor()]
    monkeypatch.setitem(TRACKERS, "default", Tracker({"collecting": collecting}, processors=processors))
    return collecting.events


def segment_call(**members: Any) -> dict[str, Any]:
    """Return a call with every member that Segment sends; one given as ... is left out."""
    made = {
        "userId": 10,
        "event": "Said for people",
        "properties": said(),
        "channel": "server",
        "context": {
            "library": {"name": "test-app", "version": "unknown"},
            "app": {"version": "1.0.1"},
            "userAgent": "an agent",
        },
        "receivedAt": "2014-08-27T16:33:39.100Z",
        "timestamp": "2014-08-27T16:33:39.215Z",
        "type": "track",
        "projectId": "u0j33yjkr8",
        "messageId": "qy52hwp4",
        "version": 2,
        "integrations": {},
        "options": {"library": "unknown", "providers": {}},
        "action": "Track",
        **members,
    }
    return {key: value for key, value in made.items() if value is not ...}


def said(**members: Any) -> dict[str, Any]:
    """Return what the app itself says."""
    made = {
        "name": "edx.test.something",
        "data": {"a": 1},
        "context": {"course_id": COURSES[1][0], "app_name": "edx.mobile.android"},
        **members,
    }
    return {key: value for key, value in made.items() if value is not ...}


def requesting(call: Any) -> HttpRequest:
    """Return a request as the platform's tests hand it to the function."""
    request = RequestFactory().post(PATH, json.dumps(call), content_type="application/json")
    request.json = call  # type: ignore[attr-defined]
    return request


def check_refused(call: dict[str, Any], sentence: str, lines: Emitted) -> None:
    with pytest.raises(segmentio.EventValidationError) as caught:
        segmentio.track_segmentio_event(requesting(call))
    assert (str(caught.value), lines) == (sentence, [])


def test_reading_is_not_allowed(lines: Emitted) -> None:
    assert post(b"", method="GET").status_code == 405


@pytest.mark.parametrize(("secret", "query"), [(None, "key=x"), ("x", ""), ("x", "key=y")])
def test_secrets(secret: str | None, query: str, site: Settings, lines: Emitted) -> None:
    """None configured, none sent, another one."""
    site.TRACKING_SEGMENTIO_WEBHOOK_SECRET = secret
    assert post(segment_call(), query=query).status_code == 401
    assert lines == []


def test_the_secret_is_compared_in_constant_time(
    site: Settings, lines: Emitted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the function of the module that the platform's test replaces; as bytes, since it takes no other text."""
    compared = []

    def compare(given: Any, known: Any) -> bool:
        compared.append((given, known))
        return False

    site.TRACKING_SEGMENTIO_WEBHOOK_SECRET = "x"
    monkeypatch.setattr(segmentio.hmac, "compare_digest", compare)
    assert post(segment_call(), query="key=y").status_code == 401
    assert compared[0] == (b"y", b"x")
    assert segmentio.hmac is hmac


@pytest.mark.parametrize("kind", ["identify", "Group", "Alias", "Page", "screen", "Screen"])
def test_other_types_are_ignored(kind: str, lines: Emitted) -> None:
    segmentio.track_segmentio_event(requesting(segment_call(type=kind)))
    assert lines == []


@pytest.mark.parametrize(
    "context",
    [..., None, {}, {"library": None}, {"library": {}}, {"library": {"name": "analytics.js"}}],
)
def test_calls_of_no_library_of_ours_are_ignored(context: Any, lines: Emitted) -> None:
    """Whatever is missing on the way to the library's name."""
    segmentio.track_segmentio_event(requesting(segment_call(context=context)))
    assert lines == []


@pytest.mark.parametrize("properties", [..., None])
def test_without_properties(properties: Any, lines: Emitted) -> None:
    check_refused(segment_call(properties=properties), segmentio.ERROR_MISSING_NAME, lines)


def test_users(lines: Emitted) -> None:
    """Nobody's, and no id at all."""
    check_refused(segment_call(userId=40), segmentio.ERROR_USER_NOT_EXIST, lines)
    check_refused(segment_call(userId="foobar"), segmentio.ERROR_INVALID_USER_ID, lines)
    check_refused(segment_call(userId=None), segmentio.ERROR_MISSING_USER_ID, lines)


@pytest.mark.parametrize(("course_id", "org_id"), COURSES)
def test_an_event(course_id: str, org_id: str, lines: Emitted) -> None:
    """Field by field, as the tracking log has it."""
    context = {"course_id": course_id, "app_name": "edx.mobile.android"}
    segmentio_call = segment_call(properties=said(context=context, data={"foo": "bar"}))
    assert post(segmentio_call).status_code == 200
    assert lines == [
        {
            "name": "edx.test.something",
            "event_type": "edx.test.something",
            "username": "tester",
            "session": "",
            "ip": "",
            "event_source": "mobile",
            "agent": "an agent",
            "host": "testserver",
            "page": None,
            "referer": "",
            "accept_language": "",
            "time": parse_timestamp("2014-08-27T16:33:39.215Z"),
            "event": {"foo": "bar"},
            "context": {
                "user_id": 10,
                "path": PATH,
                "course_id": course_id,
                "org_id": org_id,
                "enterprise_uuid": "",
                "application": {"name": "edx.mobile.android", "version": "1.0.1"},
                "client": {
                    "library": {"name": "test-app", "version": "unknown"},
                    "app": {"version": "1.0.1"},
                },
                "received_at": parse_timestamp("2014-08-27T16:33:39.100Z"),
            },
        }
    ]


def test_a_course_that_cannot_be_understood(lines: Emitted) -> None:
    segmentio.track_segmentio_event(
        requesting(segment_call(properties=said(context={"course_id": "invalid"})))
    )
    assert lines[0]["context"]["course_id"] == "invalid"


@pytest.mark.parametrize("value", [None, "text", ["list"]])
def test_contexts_and_data_that_are_no_objects(value: Any, lines: Emitted) -> None:
    context = segment_call(properties=said(context=value))
    check_refused(context, segmentio.ERROR_INVALID_CONTEXT_FIELD_TYPE, lines)
    data = segment_call(properties=said(data=value))
    check_refused(data, segmentio.ERROR_INVALID_DATA_FIELD_TYPE, lines)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (segment_call(properties=said(name=...)), segmentio.ERROR_MISSING_NAME),
        (segment_call(properties=said(data=...)), segmentio.ERROR_MISSING_DATA),
        (segment_call(timestamp=...), segmentio.ERROR_MISSING_TIMESTAMP),
        (segment_call(receivedAt=...), segmentio.ERROR_MISSING_RECEIVED_AT),
    ],
    ids=["name", "data", "timestamp", "receivedAt"],
)
def test_what_must_be_there(call: dict[str, Any], sentence: str, lines: Emitted) -> None:
    check_refused(call, sentence, lines)


def test_a_user_id_that_is_text(lines: Emitted) -> None:
    segmentio.track_segmentio_event(requesting(segment_call(userId="10")))
    assert lines[0]["context"]["user_id"] == 10


@pytest.mark.parametrize(
    ("sent", "known"),
    [
        ("2014-08-27T16:33:39.215Z", "2014-08-27T16:33:39.215000+00:00"),
        ("2014-08-27T16:33:39Z", "2014-08-27T16:33:39+00:00"),
        ("2014-08-27T16:33:39.215123456Z", "2014-08-27T16:33:39.215123+00:00"),
    ],
)
def test_times(sent: str, known: str, lines: Emitted) -> None:
    """With milliseconds, without, with nanoseconds."""
    segmentio.track_segmentio_event(requesting(segment_call(timestamp=sent, receivedAt=sent)))
    assert (lines[0]["time"].isoformat(), lines[0]["context"]["received_at"].isoformat()) == (known, known)


def test_the_sender_does_not_learn_what_is_wrong(lines: Emitted) -> None:
    answer = post(segment_call(timestamp=...))
    assert (answer.status_code, answer.content, lines) == (200, b"", [])


def test_the_body_will_do_where_nobody_has_read_it(lines: Emitted) -> None:
    """`request.json` is the platform's own."""
    request = RequestFactory().post(PATH, segment_call(), content_type="application/json")
    segmentio.track_segmentio_event(request)
    assert len(lines) == 1


URL = "https://testserver/courses/foo/bar/baz/courseware/Week_1/Activity"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("edx.video.loaded", "load_video"),
        ("edx.video.played", "play_video"),
        ("edx.video.stopped", "stop_video"),
        ("edx.video.paused", "pause_video"),
        ("edx.video.position.changed", "seek_video"),
        ("edx.video.transcript.shown", "show_transcript"),
        ("edx.video.transcript.hidden", "hide_transcript"),
    ],
)
def test_videos(name: str, kind: str, lines: Emitted) -> None:
    """Are known by their older type, block, position and page."""
    context = {
        "course_id": "foo/bar/baz",
        "open_in_browser_url": f"{URL}/2",
        "application": {"name": "edx.mobileapp.android", "version": "29"},
    }
    data = {
        "current_time": 132.134456,
        "module_id": "i4x://foo/bar/baz/some_module",
        "code": "mobile",
        **({"current_time": ...} if name == "edx.video.loaded" else {}),
    }
    data = {key: value for key, value in data.items() if value is not ...}
    assert post(segment_call(properties=said(name=name, data=data, context=context))).status_code == 200
    (line,) = lines
    assert (line["name"], line["event_type"], line["event_source"]) == (name, kind, "mobile")
    position = {} if name == "edx.video.loaded" else {"currentTime": 132.134456}
    assert line["event"] == {"id": "i4x-foo-bar-baz-some_module", "code": "mobile", **position}
    assert line["page"] == URL
    assert "open_in_browser_url" not in line["context"]
    assert line["context"]["application"] == context["application"]


SEEKS = [
    # skipped, how, by which app · what the line says of it
    (30, "skip", APPS[0], -30, "onSkipSeek"),
    (-30, "skip", APPS[0], -30, "onSkipSeek"),
    (30, "skip", APPS[1], 30, "onSkipSeek"),
    (-30, "skip", APPS[1], -30, "onSkipSeek"),
    (-65, "skip", APPS[0], -65, "onSlideSeek"),
    (12, "skip", APPS[1], 12, "onSlideSeek"),
    (30, "slide", APPS[0], 30, "onSlideSeek"),
    (7, "slide", APPS[1], 7, "onSlideSeek"),
]


@pytest.mark.parametrize("seek", SEEKS, ids=str)
def test_builds_of_the_apps_that_told_seeks_otherwise(seek: Any, lines: Emitted) -> None:
    """They are told as they were, whatever the build made of them."""
    skipped, how, (app_name, version), known, kind = seek
    context = {
        "course_id": "foo/bar/baz",
        "open_in_browser_url": f"{URL}/2",
        "application": {"name": app_name, "version": version},
    }
    data = {
        "current_time": 132.134456,
        "module_id": "i4x://foo/bar/baz/some_module",
        "code": "mobile",
        "seek_type": how,
        "requested_skip_interval": skipped,
    }
    call = segment_call(properties=said(name="edx.video.seeked", data=data, context=context))
    segmentio.track_segmentio_event(requesting(call))
    (line,) = lines
    assert (line["name"], line["event_type"]) == ("edx.video.position.changed", "seek_video")
    assert line["event"] == {
        "id": "i4x-foo-bar-baz-some_module",
        "currentTime": 132.134456,
        "code": "mobile",
        "requested_skip_interval": known,
        "type": kind,
    }
    assert line["page"] == URL
