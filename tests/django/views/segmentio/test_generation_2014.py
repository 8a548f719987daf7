"""The generation of 2014 as a view: its answers, and the event that the tracker of that time is sent."""

import json
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_django import Settings

from tests.django.conftest import Emitted
from tests.django.views.segmentio.conftest import PATH, post
from tests.sources.segment_webhook.requests import COURSE
from tests.sources.segment_webhook.test_generation_2014 import old, said
from trackside.django import legacy_tracker
from trackside.django.legacy_tracker.base import BaseBackend
from trackside.django.views import segmentio
from trackside.telemetry import catalogue
from trackside.tracker import TRACKERS

sent_events: list[dict[str, Any]] = []


class Keeping(BaseBackend):
    """Keeps what it is sent."""

    def send(self, event: Any) -> None:
        """Keep."""
        sent_events.append(event)


class Failing(BaseBackend):
    """Takes nothing."""

    def send(self, event: Any) -> None:
        """Fail."""
        raise ConnectionError


@pytest.fixture(autouse=True)
def _settings(site: Settings, emitted: Emitted) -> Iterator[None]:
    site.TRACKSIDE = {"segment_webhook": {"generation": "2014"}}
    site.TRACKING_SEGMENTIO_ALLOWED_CHANNELS = ["mobile"]
    site.TRACKING_SEGMENTIO_ALLOWED_ACTIONS = ["Track", "Screen"]
    site.MIDDLEWARE = ["trackside.django.middleware.TrackMiddleware"]
    with_backends(site, keeping=Keeping)
    sent_events.clear()
    yield
    legacy_tracker.backends.clear()


def with_backends(site: Settings, **kinds: type[BaseBackend]) -> None:
    site.TRACKING_BACKENDS = {
        name: {"ENGINE": f"{kind.__module__}.{kind.__name__}"} for name, kind in kinds.items()
    }
    legacy_tracker.reload_backends()


def told(answer: Any) -> tuple[int, Any]:
    assert answer["Content-Type"] == "application/json"
    return answer.status_code, json.loads(answer.content)


@pytest.mark.parametrize(("course_id", "org_id"), [(COURSE, "edX"), ("foo/bar/baz", "foo")])
def test_the_event(course_id: str, org_id: str, emitted: Emitted) -> None:
    """Exactly the one the platform sent: in the tracker of that time, and nowhere else."""
    properties = said(
        context={"course_id": course_id, "device": "d", "client_id": "c"}, page="a screen", ip="203.0.113.9"
    )
    with warnings.catch_warnings(action="error"):
        answer = post(old(userId="10", channel="Mobile", properties=properties))
    assert told(answer) == (200, {"committed": True})
    assert sent_events == [
        {
            "username": "honor",
            "event_type": "edx.done",
            "event_source": "Mobile",
            "time": datetime(2024, 5, 6, 7, 8, 9, 123_000, tzinfo=UTC),
            "context": {
                "user_id": "10",
                "path": PATH,
                "referer": "",
                "accept_language": "",
                "course_id": course_id,
                "org_id": org_id,
                "enterprise_uuid": "",
                "client": {"library": {"name": "analytics-ios"}, "userAgent": "x"},
                "device": "d",
                "received_at": datetime(2024, 5, 6, 7, 8, 11, 456_000, tzinfo=UTC),
            },
            "page": "a screen",
            "host": "testserver",
            "agent": "",
            "ip": "203.0.113.9",
            "event": {"a": 1},
        }
    ]
    assert list(sent_events[0]) == [
        "username",
        "event_type",
        "event_source",
        "time",
        "context",
        "page",
        "host",
        "agent",
        "ip",
        "event",
    ]
    assert emitted == []


def test_what_an_event_may_leave_out() -> None:
    post(old(context=..., properties=said(event=..., context=...)))
    (event,) = sent_events
    assert (event["page"], event["ip"], event["event"]) == (None, "", {})
    assert "client" not in event["context"]


def test_without_a_tracker_there_is_only_what_the_call_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(TRACKERS, "default")
    assert told(post(old())) == (200, {"committed": True})
    assert sent_events[0]["host"] == ""
    assert set(sent_events[0]["context"]) == {"user_id", "course_id", "org_id", "client", "received_at"}


@pytest.mark.parametrize("action", ["Identify", "Group", "Alias", "Page", "identify"])
def test_other_actions_are_ignored(action: str) -> None:
    assert told(post(old(action=action))) == (200, {"committed": False, "message": "Action ignored"})


@pytest.mark.parametrize("channel", ["server", "browser", "Browser"])
def test_other_channels_are_ignored(channel: str) -> None:
    assert told(post(old(channel=channel))) == (200, {"committed": False, "message": "Channel ignored"})


REFUSED = [
    (old(userId=40), segmentio.ERROR_USER_NOT_EXIST),
    (old(userId="foobar"), segmentio.ERROR_INVALID_USER_ID),
    (old(userId=...), segmentio.ERROR_MISSING_USER_ID),
    (old(properties=said(event_type=...)), segmentio.ERROR_MISSING_EVENT_TYPE),
    (old(timestamp=...), segmentio.ERROR_MISSING_TIMESTAMP),
    (old(receivedAt=...), segmentio.ERROR_MISSING_RECEIVED_AT),
]


@pytest.mark.parametrize(("body", "sentence"), REFUSED, ids=[sentence for _, sentence in REFUSED])
def test_the_sender_is_told_what_is_wrong(body: Any, sentence: str) -> None:
    assert told(post(body)) == (400, {"committed": False, "message": sentence})
    assert sent_events == []


def test_a_course_that_cannot_be_understood_is_no_hindrance() -> None:
    assert post(old(properties=said(context={"course_id": "invalid"}))).status_code == 200
    assert sent_events[0]["context"]["course_id"] == "invalid"


@pytest.mark.parametrize(("secret", "query"), [(None, "key=x"), ("x", ""), ("x", "key=y")])
def test_secrets(secret: str | None, query: str, site: Settings) -> None:
    site.TRACKING_SEGMENTIO_WEBHOOK_SECRET = secret
    assert told(post(old(), query=query)) == (401, {"committed": False, "message": "Unauthorized"})


def test_reading_is_not_allowed() -> None:
    assert post(b"", method="GET").status_code == 405


def test_what_no_backend_took_comes_again(site: Settings) -> None:
    """While one of them takes it, it is committed."""
    with_backends(site, failing=Failing)
    assert post(old()).status_code == 503
    assert catalogue.REQUESTS_SHED.values() == {("log_unavailable",): 1.0}
    with_backends(site, failing=Failing, keeping=Keeping)
    assert told(post(old())) == (200, {"committed": True})
    assert len(sent_events) == 1
