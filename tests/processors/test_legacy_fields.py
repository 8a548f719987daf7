"""The fields of a tracking log line."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from trackside.processors.legacy_fields import LegacyFieldMappingProcessor

MOMENT = datetime(2026, 11, 20, 19, 32, 4, tzinfo=UTC)
REQUEST = {
    "session": "8d325f8a10b46a820404dce960d1d1a8",
    "user_id": 1,
    "username": "honor",
    "ip": "203.0.113.7",
    "host": "lms.example.org",
    "agent": "Mozilla/5.0",
    "path": "/event",
    "referer": "https://lms.example.org/",
    "accept_language": "en",
    "client_id": "1.2",
    "course_id": "course-v1:edX+DemoX+2024",
    "org_id": "edX",
}


def event(data: Any = None, **context: Any) -> dict[str, Any]:
    return {"name": "edx.x", "timestamp": MOMENT, "data": data or {}, "context": REQUEST | context}


def test_fields_of_the_context_stand_at_the_top_in_their_order() -> None:
    line = LegacyFieldMappingProcessor()(event({"a": 1}))
    assert line == {
        "name": "edx.x",
        "context": {
            "user_id": 1,
            "path": "/event",
            "course_id": "course-v1:edX+DemoX+2024",
            "org_id": "edX",
        },
        "username": "honor",
        "session": "8d325f8a10b46a820404dce960d1d1a8",
        "ip": "203.0.113.7",
        "agent": "Mozilla/5.0",
        "host": "lms.example.org",
        "referer": "https://lms.example.org/",
        "accept_language": "en",
        "event": {"a": 1},
        "time": MOMENT,
        "event_type": "edx.x",
        "event_source": "server",
        "page": None,
    }
    assert list(line) == [
        *("name", "context", "username", "session", "ip", "agent", "host", "referer", "accept_language"),
        *("event", "time", "event_type", "event_source", "page"),
    ]


def test_what_a_browser_sent_becomes_text() -> None:
    line = LegacyFieldMappingProcessor()(event({"a": 1, "b": "ü"}, event_source="browser", page="https://x/"))
    assert line["event"] == json.dumps({"a": 1, "b": "ü"})
    assert (line["event_source"], line["page"]) == ("browser", "https://x/")
    assert not {"event_source", "page"} & set(line["context"])


def test_text_from_a_browser_stays_as_it_is() -> None:
    assert LegacyFieldMappingProcessor()(event("input_a=1", event_source="browser"))["event"] == "input_a=1"


def test_the_context_may_say_type_and_time() -> None:
    then = datetime(2024, 5, 6, tzinfo=UTC)
    line = LegacyFieldMappingProcessor()(event(event_type="play_video", timestamp=then))
    assert (line["event_type"], line["time"]) == ("play_video", then)
    assert not {"event_type", "timestamp"} & set(line["context"])


def test_the_event_is_not_changed() -> None:
    given = event({"a": 1}, event_source="browser")
    LegacyFieldMappingProcessor()(given)
    assert given == event({"a": 1}, event_source="browser")


@pytest.mark.parametrize(
    ("given", "want"),
    [
        (
            {"name": "n", "timestamp": MOMENT},
            {
                "name": "n",
                "event": {},
                "time": MOMENT,
                "event_type": "n",
                "event_source": "server",
                "page": None,
            },
        ),
        (
            {"name": "n", "timestamp": MOMENT, "data": 5, "extra": 1},
            {"name": "n", "extra": 1, "event": 5, "time": MOMENT, "event_type": "n"}
            | {"event_source": "server", "page": None},
        ),
    ],
)
def test_what_is_not_there_is_not_needed(given: dict[str, Any], want: dict[str, Any]) -> None:
    assert LegacyFieldMappingProcessor()(given) == want


def test_fields_the_context_does_not_have_are_empty() -> None:
    line = LegacyFieldMappingProcessor()({"name": "n", "timestamp": MOMENT, "data": {}, "context": {}})
    assert (line["username"], line["session"], line["accept_language"], line["context"]) == ("", "", "", {})
