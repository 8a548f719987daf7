"""Events of the platform's own code."""

from typing import Any

import pytest

from tests.django.conftest import Emitted, MakeRequest, Somebody
from trackside.django.views import server_track, task_track
from trackside.tracker import TRACKERS

PAGE = "https://lms.example.org/courses/course-v1:edX+DemoX+2024/x"


def test_an_event_of_a_request(emitted: Emitted, make_request: MakeRequest) -> None:
    server_track(make_request(user=Somebody), "problem_check", {"a": 1}, PAGE)
    assert emitted[0]["name"] == "problem_check"
    assert emitted[0]["data"] == {"a": 1}
    assert list(emitted[0]["context"].items()) == [
        ("course_id", "course-v1:edX+DemoX+2024"),
        ("org_id", "edX"),
        ("enterprise_uuid", ""),
        ("username", "honor"),
        ("event_source", "server"),
        ("page", PAGE),
    ]


def test_a_page_of_no_course_says_nothing_of_courses(emitted: Emitted, make_request: MakeRequest) -> None:
    """So that the request's own course stays."""
    for page in ("/dashboard", "/courses/%00+b+c"):
        server_track(make_request(user=Somebody), "x", {}, page)
        assert emitted[-1]["context"] == {"username": "honor", "event_source": "server", "page": page}


def test_an_event_of_no_request(emitted: Emitted) -> None:
    server_track(None, "x", "text")
    assert emitted[0]["data"] == "text"
    assert emitted[0]["context"] == {"username": "anonymous", "event_source": "server", "page": None}


def test_an_event_of_a_task(emitted: Emitted) -> None:
    """It has what the request that started it left, and `unknown` for the rest."""
    task_track(
        {"username": "honor", "ip": "203.0.113.7"}, {"task_id": "t"}, "done", {"a": 1, "task_id": "x"}, PAGE
    )
    assert emitted[0]["data"] == {"a": 1, "task_id": "t"}
    assert list(emitted[0]["context"].items()) == [
        ("course_id", "course-v1:edX+DemoX+2024"),
        ("org_id", "edX"),
        ("enterprise_uuid", ""),
        ("username", "honor"),
        ("ip", "203.0.113.7"),
        ("agent", "unknown"),
        ("host", "unknown"),
        ("event_source", "task"),
        ("page", PAGE),
    ]


@pytest.mark.parametrize(
    ("info", "event", "data"),
    [(None, None, {}), ({}, {}, {}), ("text", "text", {"event": "text"}), (None, [1], {"event": [1]})],
)
def test_a_task_that_tells_little(info: Any, event: Any, data: object, emitted: Emitted) -> None:
    task_track(info, None, "done", event)
    assert emitted[0]["data"] == data
    assert emitted[0]["context"]["username"] == "unknown"


def test_nothing_is_emitted_without_a_name_or_a_tracker(emitted: Emitted) -> None:
    task_track({}, {}, "", {})
    TRACKERS.clear()
    task_track({}, {}, "x", {})
    server_track(None, "x", {})
    assert emitted == []
