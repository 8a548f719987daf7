"""The platform's own tracking, with the real `event-tracking`: its log stays as it is, and its events come here too."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.openedx.conftest import HERE, Host
from tests.peers import interpreter_with

pytestmark = pytest.mark.e2e

EMIT = """
from datetime import datetime, UTC
from unittest import mock
from eventtracking import tracker
class Now(datetime):
    @classmethod
    def now(cls, tz=None): return cls(2026, 3, 1, 12, 0, 0, 5, tzinfo=UTC)
with mock.patch("eventtracking.tracker.datetime", Now):
    with tracker.get_tracker().context("edx.request", {"user_id": 7, "username": "honor", "ip": "203.0.113.7"}):
        tracker.emit("edx.course.enrollment.activated", {"course_id": "course-v1:edX+DemoX+2026", "mode": "audit"})
        tracker.emit("problem_check", {"answers": ["é", 1.5, None], "at": datetime(2026, 1, 1, tzinfo=UTC)})
"""
SIGNALS = """
from openedx_events.analytics.signals import TRACKING_EVENT_EMITTED as SAME
from openedx_events.learning.signals import COURSE_ENROLLMENT_CREATED as OTHER
from tests.openedx.generated import arguments
for signal in (SAME, OTHER):
    signal.send_event(**arguments(signal))
"""
FINISH = """
from trackside.django.tracker import log_backends
for backend in log_backends():
    assert backend.flush(20)
"""
ASK = """
import json
from django.test import Client
client = Client(enforce_csrf_checks=True)
page = "https://testserver/courses/course-v1:edX+DemoX+2026/courseware/"
call = {
    "type": "track", "userId": 7, "messageId": "m-1", "timestamp": "2026-03-01T12:00:00.000Z",
    "receivedAt": "2026-03-01T12:00:01.000Z", "context": {"library": {"name": "analytics-ios"}},
    "properties": {"name": "edx.video.played", "data": {"id": "v1"}, "context": {}},
}
answers = [
    client.post("/event", {"event_type": "seq_next", "event": '{"old": 1, "new": 2}', "page": page}),
    client.post("/event", {"event_type": "forged"}, headers={"origin": "https://elsewhere.example.org"}),
    client.post("/segmentio/event?key=s3cret", json.dumps(call), content_type="application/json"),
    client.post("/segmentio/event?key=wrong", json.dumps(call), content_type="application/json"),
    client.get("/other"),
]
print(json.dumps([[each.status_code, each.content.decode()] for each in answers]))
"""


@pytest.fixture(scope="session")
def tracking_python() -> Path:
    """The interpreter that has event-tracking."""
    return interpreter_with(
        HERE / "event-tracking.txt", "installing the platform's tracker", cache="trackside-openedx"
    )


@pytest.fixture
def host(tracking_python: Path, installed: Path, tmp_path: Path) -> Host:
    """A platform that tracks."""
    return Host(tracking_python, installed, tmp_path, {"tracks": True})


def saying(host: Host, **tracking: Any) -> Host:
    """Return the same platform with this in `TRACKSIDE["tracking"]`, in its YAML."""
    segment = {"secret": "s3cret", "users": "any"}
    requests = {"emit": False}  # as it is by default beside the platform's middleware
    return host.but(
        yaml={"TRACKSIDE": {"tracking": tracking, "segment_webhook": segment, "requests": requests}}
    )


def lines(host: Host) -> list[str]:
    """Return the lines of its tracking log, and empty it."""
    path = host.folder / "tracking.log"
    text = path.read_text()
    path.write_text("")
    return text.splitlines()


def test_a_second_backend(host: Host) -> None:
    """The logger's lines are the same to the byte; the events are in our log, as they were emitted, once.

    Also where the platform sends its tracking as signals too. Other signals go on.
    """
    host.run(code=EMIT)
    before = lines(host)
    assert len(before) == 2
    assert not host.data_dir.exists()
    saying(host, backend=True).run(code=EMIT + SIGNALS + FINISH)
    assert lines(host) == before
    first, second, third = host.events()
    told = json.loads(before[0])
    assert (first.name, first.user_id) == (told["name"], "7")
    assert first.timestamp.isoformat() == told["timestamp"]
    assert (first.decoded_data(), first.decoded_context()) == (told["data"], told["context"])
    assert second.decoded_data() == json.loads(before[1])["data"]
    assert third.name == "org.openedx.learning.course.enrollment.created.v1"


def test_views_are_replaced(host: Host) -> None:
    """Ours answer by their own rules, though the platform's URLs come first; their events are in its log and ours."""
    host = saying(host, backend=True, event="trackside", segmentio="trackside")
    answers = json.loads(host.run(code=ASK + FINISH))
    assert answers == [
        [200, "success"],
        [403, "events of another site are not taken"],
        [200, ""],
        [401, ""],
        [200, "the platform"],
    ]
    told = [json.loads(line) for line in lines(host)]
    assert [each["name"] for each in told] == ["seq_next", "edx.video.played"]
    assert [each["context"]["event_source"] for each in told] == ["browser", "mobile"]
    assert told[0]["context"]["course_id"] == "course-v1:edX+DemoX+2026"
    first, second = host.events()
    assert (first.name, first.decoded_data()) == ("seq_next", {"old": 1, "new": 2})
    assert (second.id, second.user_id) == ("m-1", "7")


def test_one_of_the_views(host: Host) -> None:
    """Each is chosen alone, the other is left; without the backend our log has nothing of it."""
    host = saying(host, segmentio="trackside")
    answers = json.loads(host.run(code=ASK + FINISH))
    assert answers[0][0] == 403  # the platform's view wants a token
    assert answers[2:] == [[200, ""], [401, ""], [200, "the platform"]]
    assert [json.loads(line)["name"] for line in lines(host)] == ["edx.video.played"]
    assert host.events() == []


def test_checks(host: Host) -> None:
    """Nothing to be warned of; a later file that takes the parts away is told of."""
    shown = saying(host, backend=True, event="trackside", segmentio="trackside").run(
        code="from django.conf import settings\nfrom django.core.checks import run_checks\n"
        "def tell(): print([each.id for each in run_checks(tags=['trackside'])])\n"
        "tell(); settings.EVENT_TRACKING_BACKENDS.clear(); settings.MIDDLEWARE.pop(); tell()"
    )
    before, after = shown.splitlines()
    assert "W009" not in before
    assert after.count("trackside.openedx.W009") == 2
