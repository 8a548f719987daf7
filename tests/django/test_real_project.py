"""A project with the LMS's tracking settings, its servers and its Celery worker started for real.

The lines it writes are those that the platform's own code writes.
"""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import shake_128
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode

import pytest

from tests.conftest import missing
from tests.django.site import __file__ as site_file
from tests.e2e.running import eventually

pytestmark = pytest.mark.slow

ROOT = Path(site_file).parents[3]
SECRET_KEY = "85920908f28904ed733fe576320db18cabd7b6cd"
PAGE = "https://lms.example.org/courses/course-v1:edX+DemoX+2024/courseware/"


@dataclass(frozen=True)
class Site:
    """A running project."""

    folder: Path
    url: str
    session_key: str

    def request(self, path: str, data: dict[str, str] | bytes | None = None, **headers: str) -> str:
        """Return what the project answers to somebody who is logged in."""
        body = urlencode(data).encode() if isinstance(data, dict) else data
        sent = {
            "Cookie": f"sessionid={self.session_key}",
            "User-Agent": "Mozilla/5.0",
            "Referer": PAGE,
            "Accept-Language": "en-US,en;q=0.9",
            "X-Forwarded-For": "203.0.113.7",
            **headers,
        }
        request = urllib.request.Request(self.url + path, body, sent)
        with urllib.request.urlopen(request, timeout=20) as response:
            text: str = response.read().decode()
            return text

    def lines(self, event_type: str) -> list[dict[str, Any]]:
        """Return the lines of the tracking log of this type."""
        text = (self.folder / "tracking.log").read_text("utf-8")
        return [line for line in map(json.loads, text.splitlines()) if line["event_type"] == event_type]

    def line(self, event_type: str) -> dict[str, Any]:
        """Return the one line of this type; what differs each time is taken out."""
        (line,) = self.lines(event_type)
        return {**line, "time": bool(line["time"]), "host": bool(line["host"])}

    def surroundings(self) -> dict[str, Any]:
        """Return what every line of the user's requests has at its top."""
        session = shake_128((SECRET_KEY + self.session_key).encode()).hexdigest(16)
        return {
            "username": "honor",
            "session": session,
            "ip": "203.0.113.7",
            "agent": "Mozilla/5.0",
            "host": True,
            "referer": PAGE,
            "accept_language": "en-US,en;q=0.9",
        }


def _environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.django.site.settings", "SITE_FOLDER": str(folder)}


@contextmanager
def _running(arguments: list[str], folder: Path, log: str) -> Iterator[None]:
    with (
        (folder / log).open("wb") as output,
        subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=ROOT,
            env=_environment(folder),
            stdout=output,
            stderr=output,
        ) as process,
    ):
        try:
            yield
        finally:
            process.terminate()
            process.wait(20)


SERVERS = {
    "wsgi": ["django", "runserver", "--noreload", "--skip-checks", "127.0.0.1:{port}"],
    "asgi": [
        "uvicorn",
        "tests.django.site.asgi:application",
        "--port",
        "{port}",
        "--lifespan",
        "off",
        "--no-proxy-headers",
    ],
}


@pytest.fixture(params=sorted(SERVERS))
def site(request: pytest.FixtureRequest, tmp_path: Path, free_port: int) -> Iterator[Site]:
    prepared = subprocess.run(
        [sys.executable, "-m", "tests.django.site.prepare"],
        cwd=ROOT,
        env=_environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert prepared.returncode == 0, prepared.stderr
    command = [part.format(port=free_port) for part in SERVERS[request.param]]
    made = Site(tmp_path, f"http://127.0.0.1:{free_port}", prepared.stdout.strip())
    with _running(command, tmp_path, "server.txt"):
        assert eventually(lambda: _answers(made)), (tmp_path / "server.txt").read_text()
        yield made


def _answers(site: Site) -> bool:
    try:
        return site.request("/ready") == "ready"
    except OSError:
        return False


def test_lines_are_those_of_the_platform(site: Site) -> None:
    """Of a browser, of a request and of a server's own code: field by field, in order."""
    browser = {"current_tab": 1, "tab_count": 5, "id": "block-v1:x", "widget_placement": "top"}
    said = {"event_type": "edx.ui.lms.sequence.next_selected", "event": json.dumps(browser), "page": PAGE}
    assert site.request("/event", said) == "success"
    assert list(site.line("seq_next").items()) == [
        ("name", "edx.ui.lms.sequence.next_selected"),
        (
            "context",
            {
                "user_id": 1,
                "path": "/event",
                "course_id": "course-v1:edX+DemoX+2024",
                "org_id": "edX",
                "enterprise_uuid": "",
            },
        ),
        *site.surroundings().items(),
        ("event", json.dumps({**browser, "old": 1, "new": 2})),
        ("time", True),
        ("event_type", "seq_next"),
        ("event_source", "browser"),
        ("page", PAGE),
    ]

    site.request("/user_api/password/", {"password": "hunter2", "email": "a@b.c", "token": "T"})
    none = {"course_id": "", "org_id": "", "enterprise_uuid": ""}
    assert list(site.line("/user_api/password/").items()) == [
        ("name", "/user_api/password/"),
        ("context", {"user_id": 1, "path": "/user_api/password/", **none}),
        *site.surroundings().items(),
        # the platform shows the token
        ("event", '{"GET": {}, "POST": {"password": "********", "email": ["a@b.c"], "token": "********"}}'),
        ("time", True),
        ("event_type", "/user_api/password/"),
        ("event_source", "server"),
        ("page", None),
    ]

    assert site.line("taken")["username"] == "honor"

    path = "/courses/course-v1:edX+DemoX+2024/courseware/"
    site.request(path)
    course = {"course_id": "course-v1:edX+DemoX+2024", "org_id": "edX", "enterprise_uuid": ""}
    assert list(site.line("problem_check").items()) == [
        ("name", "problem_check"),
        ("context", {"user_id": 1, "path": path, **course}),
        *site.surroundings().items(),
        ("event", {"attempts": 1}),
        ("time", True),
        ("event_type", "problem_check"),
        ("event_source", "server"),
        ("page", site.url + path),
    ]
    assert site.line(path)["context"] == {"user_id": 1, "path": path, **course}


def test_a_line_of_a_phone_is_that_of_the_platform(site: Site) -> None:
    """Segment's servers have no session, no user and no language; what they post is a learner's."""
    head: dict[str, Any] = {
        "User-Agent": "Segment.io",
        "Cookie": "",
        "Referer": "",
        "Content-Type": "application/json",
    }
    for call in (CALL, {**CALL, "userId": "40"}):
        assert site.request("/segmentio/event?key=phones", json.dumps(call).encode(), **head) == ""
    with pytest.raises(HTTPError, match="401"):
        site.request("/segmentio/event?key=guessed", json.dumps(CALL).encode(), **head)
    (mobile,) = site.lines("play_video")
    assert json.dumps({**mobile, "host": "testserver", "accept_language": ""}) == MOBILE
    assert site.lines("/segmentio/event") == []


CALL = {
    "type": "track",
    "userId": "1",
    "event": "Video Played",
    "messageId": "1d2ec1d0",
    "channel": "mobile",
    "timestamp": "2024-05-06T07:08:09.123Z",
    "receivedAt": "2024-05-06T07:08:11.456Z",
    "context": {
        "library": {"name": "analytics-android", "version": "4"},
        "app": {"version": "3.1"},
        "device": {"model": "Pixel"},
        "ip": "198.51.100.4",
        "userAgent": "okhttp",
        "traits": {"email": "honor@example.org"},
    },
    "properties": {
        "name": "edx.video.played",
        "data": {
            "code": "mobile",
            "module_id": "block-v1:edX+DemoX+2024+type@video+block@v1",
            "current_time": 1.5,
        },
        "context": {
            "app_name": "edx.mobileapp.android",
            "component": "videoplayer",
            "course_id": "course-v1:edX+DemoX+2024",
            "open_in_browser_url": "https://lms.example.org/courses/course-v1:edX+DemoX+2024/courseware/w/a/1",
        },
    },
}
"""What an app said and Segment's servers add."""
MOBILE = (
    '{"name": "edx.video.played", "context": {"user_id": 1, "path": "/segmentio/event", '
    '"course_id": "course-v1:edX+DemoX+2024", "org_id": "edX", "enterprise_uuid": "", '
    '"application": {"name": "edx.mobileapp.android", "version": "3.1"}, '
    '"client": {"library": {"name": "analytics-android", "version": "4"}, "app": {"version": "3.1"}, '
    '"device": {"model": "Pixel"}, "ip": "198.51.100.4"}, "component": "videoplayer", '
    '"received_at": "2024-05-06T07:08:11.456000+00:00"}, "username": "honor", "session": "", "ip": "", '
    '"agent": "okhttp", "host": "testserver", "referer": "", "accept_language": "", '
    '"event": {"code": "mobile", "id": "v1", "currentTime": 1.5}, '
    '"time": "2024-05-06T07:08:09.123000+00:00", "event_type": "play_video", "event_source": "mobile", '
    '"page": "https://lms.example.org/courses/course-v1:edX+DemoX+2024/courseware/w/a"}'
)


def test_requests_at_the_same_time_keep_their_contexts(site: Site) -> None:
    """In a server of threads and in one of tasks; each event has the path of its own request."""
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(lambda n: site.request(f"/slow/{n}"), range(48))) == [str(n) for n in range(48)]
    for name in ("slow.here", "slow.thread", "slow.sync"):
        lines = site.lines(name)
        assert len(lines) == 48 * 3
        assert all(line["context"]["path"] == f"/slow/{line['event']['number']}" for line in lines)
        assert {line["username"] for line in lines} == {"honor"}


@pytest.mark.faults
@pytest.mark.parametrize("site", ["wsgi"], indirect=True)
def test_a_worker_writes_the_lines_of_its_tasks(site: Site) -> None:
    """With what the request that started the task has left."""
    worker = ["celery", "-A", "tests.django.site.worker", "worker", "-P", "solo", "--without-mingle"]
    with _running(worker, site.folder, "worker.txt"):
        site.request("/task")
        came = eventually(lambda: bool(site.lines("edx.instructor.report.done")), timeout_s=60)
        assert came, (site.folder / "worker.txt").read_text()
    line = site.line("edx.instructor.report.done")
    task_id = line["event"].pop("task_id")
    assert len(task_id) == 36
    assert list(line.items()) == [
        ("name", "edx.instructor.report.done"),
        ("context", {"course_id": "course-v1:edX+DemoX+2024", "org_id": "edX", "enterprise_uuid": ""}),
        ("username", "honor"),
        ("session", ""),
        ("ip", "127.0.0.1"),
        ("agent", "Mozilla/5.0"),
        ("host", True),
        ("referer", ""),
        ("accept_language", ""),
        ("event", {"rows": 3}),
        ("time", True),
        ("event_type", "edx.instructor.report.done"),
        ("event_source", "task"),
        ("page", "https://lms.example.org/courses/course-v1:edX+DemoX+2024/instructor"),
    ]


@pytest.fixture(autouse=True, scope="module")
def _needs() -> None:
    for module in ("celery", "uvicorn"):
        try:
            __import__(module)
        except ImportError:
            missing(module)
