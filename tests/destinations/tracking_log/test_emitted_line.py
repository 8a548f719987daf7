"""Event of the platform's own tracker → the line the LMS writes for it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from tests.destinations.tracking_log.test_line import event as segment_event
from trackside.destinations.base import Refused
from trackside.destinations.tracking_log.destination import _line
from trackside.destinations.tracking_log.line import render
from trackside.emitted import encode_json
from trackside.event import EMITTED, EMITTED_VALUE, Event

TIME = datetime(2026, 11, 20, 19, 32, 4, 641987, tzinfo=UTC)
REQUEST = {
    "user_id": 1,
    "path": "/event",
    "course_id": "course-v1:edX+DemoX+2024",
    "org_id": "edX",
    "enterprise_uuid": "",
    "session": "8d325f8a10b46a820404dce960d1d1a8",
    "username": "honor",
    "ip": "203.0.113.7",
    "host": "lms.example.org",
    "agent": "Mozilla/5.0",
    "referer": "https://lms.example.org/courses/course-v1:edX+DemoX+2024/courseware/",
    "accept_language": "en-US,en;q=0.9",
    "client_id": "123.456",
}


def emitted(name: str, data: object, context: dict[str, Any], timestamp: datetime = TIME) -> Event:
    """Return the log's form of an emitted event."""
    wrapped = data if isinstance(data, dict) else {"value": data}
    return Event(
        id="e-1",
        name=name,
        type="track",
        source="tracker",
        timestamp=timestamp,
        received_at=TIME,
        data=Raw(encode_json(wrapped)),
        context=Raw(encode_json(context)),
        extra=EMITTED if wrapped is data else EMITTED_VALUE,
    )


def text(of: Event) -> str:
    line = _line(of)
    assert isinstance(line, bytes)
    return line.decode()


def test_a_signal_is_an_emitted_event_too() -> None:
    """Its line is that of any other: `extra` is not part of it."""
    event = emitted("org.openedx.a.v1", {"a": 1}, {"user_id": 7})
    extra = Raw(b'{"origin":"tracker","event_metadata":{"id":"x"}}')
    assert text(replace(event, extra=extra)) == text(event)


def test_browser_event() -> None:
    """An event of a browser has its payload as text, and says so at the top."""
    page = REQUEST["referer"]
    context = REQUEST | {"event_source": "browser", "page": page}
    data = {"current_tab": 1, "tab_count": 5, "id": "block-v1:x", "widget_placement": "top"}
    assert text(emitted("edx.ui.lms.sequence.next_selected", data, context)) == (
        '{"name": "edx.ui.lms.sequence.next_selected", "context": {"user_id": 1, "path": "/event", '
        '"course_id": "course-v1:edX+DemoX+2024", "org_id": "edX", "enterprise_uuid": ""}, '
        '"username": "honor", "session": "8d325f8a10b46a820404dce960d1d1a8", "ip": "203.0.113.7", '
        '"agent": "Mozilla/5.0", "host": "lms.example.org", "referer": '
        '"https://lms.example.org/courses/course-v1:edX+DemoX+2024/courseware/", '
        '"accept_language": "en-US,en;q=0.9", "event": "{\\"current_tab\\": 1, \\"tab_count\\": 5, '
        '\\"id\\": \\"block-v1:x\\", \\"widget_placement\\": \\"top\\", \\"old\\": 1, \\"new\\": 2}", '
        '"time": "2026-11-20T19:32:04.641987+00:00", "event_type": "seq_next", '
        '"event_source": "browser", "page": '
        '"https://lms.example.org/courses/course-v1:edX+DemoX+2024/courseware/"}'
    )


def test_server_event() -> None:
    """An event of the server has its payload as it is; nothing said about source and page means the server."""
    assert text(emitted("edx.course.enrollment.activated", {"mode": "audit"}, {"user_id": 7})) == (
        '{"name": "edx.course.enrollment.activated", "context": {"user_id": 7}, "username": "", "session": "", '
        '"ip": "", "agent": "", "host": "", "referer": "", "accept_language": "", "event": {"mode": "audit"}, '
        '"time": "2026-11-20T19:32:04.641987+00:00", "event_type": "edx.course.enrollment.activated", '
        '"event_source": "server", "page": null}'
    )


def test_implicit_event() -> None:
    """What the middleware emits for a request has a text for payload, also where a browser is named."""
    payload = '{"GET": {}, "POST": {"email": ["a@b.c"], "text": ["é\\n"'
    for source in ("server", "browser"):
        line = json.loads(text(emitted("/user_api/", payload, REQUEST | {"event_source": source})))
        assert line["event"] == payload
        assert line["event_type"] == "/user_api/"


def test_task_event() -> None:
    """An event of a task says `task`, and what is unknown about its request stays `unknown`."""
    unknown = dict.fromkeys(("username", "ip", "agent", "host"), "unknown")
    context = unknown | {"event_source": "task", "page": "x_module", "course_id": "c", "org_id": "o"}
    line = json.loads(text(emitted("reset_problem", {"task_id": "t"}, context)))
    assert line["event_source"] == "task"
    assert line["agent"] == line["username"] == "unknown"
    assert line["page"] == "x_module"
    assert line["context"] == {"course_id": "c", "org_id": "o"}
    assert line["event"] == {"task_id": "t"}


def test_mobile_event() -> None:
    """What the context says of time and type replaces the event's own; the rest of it stays where it was."""
    context = REQUEST | {
        "application": {"name": "edx.mobileapp.android", "version": "3.1"},
        "client": {"library": {"name": "analytics-android"}},
        "timestamp": datetime(2024, 5, 6, 7, 8, 9, 123000, tzinfo=UTC),
        "received_at": datetime(2024, 5, 6, 7, 8, 11, tzinfo=UTC),
        "event_type": "play_video",
        "event_source": "mobile",
    }
    line = json.loads(text(emitted("edx.video.played", {"currentTime": 1.5}, context)))
    assert line["time"] == "2024-05-06T07:08:09.123000+00:00"
    assert line["event_type"] == "play_video"
    assert line["event"] == {"currentTime": 1.5}
    assert list(line["context"]) == [
        "user_id", "path", "course_id", "org_id", "enterprise_uuid", "application", "client", "received_at"
    ]  # fmt: skip
    assert line["context"]["received_at"] == "2024-05-06T07:08:11+00:00"


def test_time_without_microseconds() -> None:
    """A time on the full second is written as `isoformat` writes it."""
    assert '"time": "2026-11-20T19:32:04+00:00"' in text(emitted("n", {}, {}, TIME.replace(microsecond=0)))


@pytest.mark.parametrize("name", ["username", "page", "event_source", "event_type", "session"])
def test_null_is_kept(name: str) -> None:
    """What the context says to be nothing is nothing, and not missing."""
    assert json.loads(text(emitted("n", {}, {name: None})))[name] is None


def as_the_lms(name: str, data: object, context: dict[str, Any]) -> str:
    """Return the line by the words of the specification."""
    rest = dict(context)
    top = ("username", "session", "ip", "agent", "host", "referer", "accept_language")
    moved = {key: rest.pop(key, "") for key in top}
    rest.pop("client_id", None)
    as_text = rest.get("event_source") == "browser" and isinstance(data, dict)
    return json.dumps(
        {
            "name": name,
            "context": rest,
            **moved,
            "event": json.dumps(data) if as_text else data,
            "time": rest.pop("timestamp", TIME.isoformat()),
            "event_type": rest.pop("event_type", name),
            "event_source": rest.pop("event_source", "server"),
            "page": rest.pop("page", None),
        }
    )


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
FIELDS = "username session ip client_id event_source event_type page timestamp user_id path"
contexts = st.dictionaries(st.sampled_from(FIELDS.split()) | texts, values | st.just("browser"), max_size=8)


@given(name=texts, data=values, context=contexts)
@example(name="n", data={"n": 1e16, "d": "\x7f"}, context={"event_source": "browser"})
def test_as_json_dumps_writes_it(name: str, data: object, context: dict[str, Any]) -> None:
    """Whatever an application emits, the line is byte for byte what `json.dumps` makes of it."""
    assert text(emitted(name, data, context)) == as_the_lms(name, data, context)


@pytest.mark.parametrize("number", [1e-05, -1.5e-7, 1e16, 1e22, 123456.75, 0.1, -0.0, 10**30])
def test_numbers(number: float) -> None:
    """Numbers are written as Python writes them."""
    assert text(emitted("n", {"n": [number]}, {"x": number})) == as_the_lms(
        "n", {"n": [number]}, {"x": number}
    )


def test_among_others() -> None:
    """Emitted events and those of clients each have their own form, in their order."""
    ours, theirs = segment_event(context={"page": {"url": "u"}}), emitted("n", {}, {})
    expected = [text(ours), text(theirs), text(theirs), text(ours)]
    assert render([ours, theirs, theirs, ours]).decode().split("\n") == [*expected, ""]


def test_what_python_cannot_read_is_refused() -> None:
    """A number no application can emit makes no line that nobody can read: the event is kept as a dead letter."""
    odd = replace(emitted("n", {}, {}), data=Raw(b'{"n":' + b"1" * 5_000 + b"}"))
    assert isinstance(_line(odd), Refused)


def test_half_of_a_pair_of_characters() -> None:
    """What is no character can be emitted, and is written as Python writes it."""
    assert text(emitted("n", {"a": "\ud800"}, {"b": "\udfff"})) == as_the_lms(
        "n", {"a": "\ud800"}, {"b": "\udfff"}
    )
