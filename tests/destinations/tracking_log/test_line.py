"""Event → line."""

import json
import sys
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from trackside.destinations.tracking_log.destination import _line
from trackside.destinations.tracking_log.line import FORMAT, render
from trackside.event import Event

URL = "https://LMS.example.org:8443/courses/course-v1:edX+DemoX+2024/courseware/?a=1"
BROWSER = {
    "page": {
        "path": "/courses/course-v1:edX+DemoX+2024/courseware/",
        "referrer": "https://r.example/",
        "url": URL,
    },
    "userAgent": "Mozilla/5.0",
    "locale": "en-US",
    "library": {"name": "analytics.js", "version": "next-1.84.3"},
    "ip": "203.0.113.7",
}


def event(**changes: Any) -> Event:
    """Return an event; `data`, `context` and `extra` are given as dicts."""
    for name in ("data", "context", "extra"):
        if name in changes and not isinstance(changes[name], Raw):
            changes[name] = Raw(json.dumps(changes[name], separators=(",", ":")).encode())
    plain = Event(
        id="m-1",
        name="Lesson Opened",
        type="track",
        source="web",
        timestamp=datetime(2026, 11, 20, 19, 32, 4, 641987, tzinfo=UTC),
        received_at=datetime(2026, 11, 20, 19, 32, 5, tzinfo=UTC),
        data=Raw(b"{}"),
        context=Raw(b"{}"),
    )
    return replace(plain, **changes)


def text(of: Event) -> str:
    line = _line(of)
    assert isinstance(line, bytes)
    return line.decode()


def line(**changes: Any) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(text(event(**changes)))
    return decoded


GOLDEN = (
    '{"name":"seq_next","context":{"user_id":42,"path":"/courses/course-v1:edX+DemoX+2024/courseware/",'
    '"course_id":"course-v1:edX+DemoX+2024","org_id":"edX","enterprise_uuid":"","client":{"page":{"path":'
    '"/courses/course-v1:edX+DemoX+2024/courseware/","referrer":"https://r.example/","url":"'
    + URL
    + '"},"locale":"en-US","library":{"name":"analytics.js","version":"next-1.84.3"},"ip":"203.0.113.7",'
    '"type":"track","messageId":"m-1","anonymousId":"a-1","originalTimestamp":"2026-11-20T19:32:04Z",'
    '"sentAt":"2026-11-20T19:32:05Z","integrations":{"All":false}},"received_at":'
    '"2026-11-20T19:32:05.000000+00:00"},"username":"honor","session":"","ip":"203.0.113.7","agent":'
    '"Mozilla/5.0","host":"lms.example.org","referer":"https://r.example/","accept_language":"en-US","event":'
    '"{\\"old\\":1,\\"username\\":\\"honor\\"}","time":"2026-11-20T19:32:04.641987+00:00","event_type":"seq_next",'
    '"event_source":"browser","page":"' + URL + '"}'
)


def test_golden_line() -> None:
    """The bytes of a line are what they were.

    Should this test have to change, count `FORMAT` up: a write that an older version began is recognised by
    its bytes after a crash.
    """
    browser = event(
        name="seq_next",
        user_id="42",
        anonymous_id="a-1",
        original_timestamp="2026-11-20T19:32:04Z",
        sent_at="2026-11-20T19:32:05Z",
        data={"old": 1, "username": "honor"},
        context=BROWSER,
        extra={"integrations": {"All": False}},
    )
    assert text(browser) == GOLDEN
    assert FORMAT == 2


def test_keys_are_in_the_standard_order() -> None:
    """Also an event without anything has all keys, in the LMS's order."""
    keys = (
        "name context username session ip agent host referer accept_language event time event_type "
        "event_source page"
    )
    assert list(line()) == keys.split()
    inner = "user_id path course_id org_id enterprise_uuid client received_at"
    assert list(line()["context"]) == inner.split()
    assert line()["page"] is None
    assert line()["event"] == {}


@pytest.mark.parametrize(
    ("user_id", "written"),
    [
        ("7", 7), ("0", 0), ("007", "007"), ("-1", "-1"), ("1_0", "1_0"), ("7.0", "7.0"), (" 7", " 7"),
        ("\u0663", "\u0663"), ("", ""), ("9" * 18, int("9" * 18)), ("9" * 19, "9" * 19), ("honor", "honor"),
        (None, None),
    ],
)  # fmt: skip
def test_user_id(user_id: str | None, written: object) -> None:
    """A canonical decimal is the number it is in Open edX; anything else stays text."""
    assert line(user_id=user_id)["context"]["user_id"] == written


@pytest.mark.parametrize(
    ("context", "extra", "source"),
    [
        ({"library": {"name": "analytics.js"}}, {}, "browser"),
        ({"library": {"name": "analytics-ios"}}, {}, "mobile"),
        ({"library": {"name": "analytics-python"}}, {}, "server"),
        ({"library": {"name": "analytics-node"}}, {"channel": "mobile"}, "mobile"),
        ({}, {"channel": "Browser"}, "browser"),
        ({"device": {"model": "Pixel"}}, {"channel": "server"}, "server"),
        ({"device": {"model": "Pixel"}}, {}, "mobile"),
        ({"device": None}, {"channel": 7}, "server"),
        ({"library": "analytics.js"}, {}, "server"),
        ({"library": {"name": ["analytics.js"]}}, {}, "server"),
    ],
)
def test_event_source(context: dict[str, object], extra: dict[str, object], source: str) -> None:
    """The library says it, else the channel, else a device."""
    assert line(context=context, extra=extra)["event_source"] == source


def test_only_browsers_send_text() -> None:
    """`event` is the payload as text from a browser, and the payload itself from anywhere else."""
    assert line(data={"a": [1]}, context=BROWSER)["event"] == '{"a":[1]}'
    assert line(data={"a": [1]})["event"] == {"a": [1]}


@pytest.mark.parametrize(
    ("data", "context", "course_id", "org_id"),
    [
        ({"course_id": "edX/DemoX/2024"}, BROWSER, "edX/DemoX/2024", "edX"),
        ({"course_id": "course-v1:MITx+6.00+T1"}, {}, "course-v1:MITx+6.00+T1", "MITx"),
        ({"course_id": "library-v1:o+l"}, {}, "library-v1:o+l", "o"),
        ({"course_id": "lib:edX:x"}, {}, "lib:edX:x", ""),
        ({"course_id": "invalid"}, {}, "invalid", ""),
        ({"course_id": 7}, {}, "", ""),
        ({}, {"course_id": "course-v1:a+b+c"}, "course-v1:a+b+c", "a"),
        ({}, BROWSER, "course-v1:edX+DemoX+2024", "edX"),
        ({}, {"page": {"url": "http://h/courses/edX/DemoX/2024/x"}}, "edX/DemoX/2024", "edX"),
        ({}, {"page": {"url": "http://h/courses/course-v1%3AedX%2BD%2B1/x"}}, "course-v1:edX+D+1", "edX"),
        ({}, {"page": {"url": "http://h/api/courses/v1/blocks/x/y"}}, "", ""),
        ({}, {"page": {"url": "http://h/about"}}, "", ""),
    ],
)
def test_course(data: dict[str, object], context: dict[str, object], course_id: str, org_id: str) -> None:
    """The payload names the course, else the context, else the page."""
    written = line(data=data, context=context)["context"]
    assert (written["course_id"], written["org_id"]) == (course_id, org_id)


@pytest.mark.parametrize(
    ("data", "context", "extra", "username"),
    [
        ({"username": "honor"}, {}, {}, "honor"),
        ({}, {"traits": {"username": "verified"}}, {}, "verified"),
        ({}, {}, {"traits": {"username": "audit"}}, "audit"),
        ({"username": 7}, {"traits": {"username": None}}, {}, ""),
    ],
)
def test_username(data: object, context: object, extra: object, username: str) -> None:
    """The username comes from payload or traits, where it is text."""
    assert line(data=data, context=context, extra=extra)["username"] == username


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://LMS.example.org:8443/x", "lms.example.org"),
        ("https://lms.example.org", "lms.example.org"),
        ("https://user:secret@h.example/x", "h.example"),
        ("https://h.example?x=//y", "h.example"),
        ("http://[2001:db8::1]:80/x", "2001:db8::1"),
        ("app:home", ""),
        ("", ""),
    ],
)
def test_host(url: str, host: str) -> None:
    """The host of the page's address, without its port and without credentials."""
    assert line(context={"page": {"url": url}})["host"] == host


def test_application() -> None:
    """An app is named by name and version, also where it says only one of them."""
    assert line(context={"app": {"version": "3.1"}})["context"]["application"] == {
        "name": "",
        "version": "3.1",
    }
    assert "application" not in line(context={"app": "x"})["context"]


def test_times_are_utc_with_microseconds() -> None:
    """Whatever zone a time is in, the line has UTC and six digits."""
    moment = datetime(2026, 1, 1, 1, 0, tzinfo=timezone(timedelta(hours=2)))
    written = line(timestamp=moment, received_at=moment)
    assert written["time"] == written["context"]["received_at"] == "2025-12-31T23:00:00.000000+00:00"


def test_nothing_is_lost() -> None:
    """What a call carries besides what the line says is under `context.client`, also where names collide."""
    context = {"userAgent": "UA", "type": "t", "context": {"x": 1}, "channel": "c", "screen": {"w": 1}}
    client = line(
        context=context, extra={"channel": "server", "groupId": "g"}, anonymous_id="a", sent_at="s"
    )["context"]["client"]
    assert client == {
        "screen": {"w": 1},
        "context": {"type": "t", "channel": "c", "context": {"x": 1}},
        "type": "track",
        "messageId": "m-1",
        "anonymousId": "a",
        "sentAt": "s",
        "channel": "server",
        "groupId": "g",
    }


def test_an_agent_that_is_no_text_stays() -> None:
    """A user agent the line cannot say stays where it was."""
    written = line(context={"userAgent": ["UA"], "ip": "192.0.2.1"})
    assert written["agent"] == ""
    assert written["ip"] == "192.0.2.1"
    assert written["context"]["client"]["userAgent"] == ["UA"]


json_text = st.text(st.characters(codec=None), max_size=12)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | json_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(json_text, inner, max_size=3),
    max_leaves=8,
)
NAMES = """page userAgent locale library app device traits course_id username ip type messageId channel
context extra url path referrer name version"""
names = st.sampled_from(NAMES.split())
objects = st.dictionaries(
    names | json_text, json_values | st.dictionaries(names, json_values, max_size=3), max_size=6
)


def raw(value: object) -> Raw:
    return Raw(json.dumps(value, separators=(",", ":")).encode())


@given(
    data=objects,
    context=objects,
    extra=objects,
    name=json_text,
    user_id=st.none() | json_text,
    timestamp=st.datetimes(timezones=st.just(UTC)),
)
def test_any_event_gives_one_line(
    data: object, context: object, extra: object, name: str, user_id: str | None, timestamp: datetime
) -> None:
    """Any event gives one line of valid JSON, always the same, with its payload unchanged."""
    odd = event(
        name=name,
        user_id=user_id,
        timestamp=timestamp,
        data=raw(data),
        context=raw(context),
        extra=raw(extra),
    )
    written = text(odd)
    assert "\n" not in written
    assert text(odd) == written
    decoded = json.loads(written)
    payload = decoded["event"]
    assert (json.loads(payload) if isinstance(payload, str) else payload) == data
    assert decoded["context"]["client"]["messageId"] == "m-1"


@given(
    events=st.lists(
        st.builds(
            event,
            data=objects,
            context=st.sampled_from([{}, BROWSER, {"channel": 1, "sentAt": 2}]) | objects,
            extra=st.sampled_from([{}, {"channel": "server"}, {"type": 1}]) | objects,
        ),
        max_size=5,
    )
)
def test_a_line_does_not_depend_on_its_neighbours(events: list[Event]) -> None:
    """Events rendered together have the lines they have alone: after a crash they are recognised by them."""
    assert render(events).decode().split("\n") == [*(text(each) for each in events), ""]


def test_line_ends_in_a_payload_are_the_same_alone_and_among_others() -> None:
    """Also for line ends of any kind there is one form of a line, however many are made at once."""
    odd = [event(data=Raw(data), context=Raw(data), extra=Raw(data)) for data in (b'{"a":\r1}', b'{"b":\n2}')]
    assert render(odd).decode().split("\n") == [*(text(each) for each in odd), ""]
    assert "\r" not in render(odd).decode()


def test_what_is_remembered_keeps_no_chunk_in_memory() -> None:
    """Contexts and extras are remembered by copies: a view would keep all events decoded with it."""
    context = b'{"page":{"url":"https://remembered.example/"},"library":{"name":"x"},"device":{"a":1}}'
    chunk = b'["m","n","track","web","2026-11-20T19:32:04Z","2026-11-20T19:32:04Z",{"a":1},%b,"1",%s]' % (
        context,
        b'null,null,null,null,[],{"channel":"server"}',
    )
    before = sys.getrefcount(chunk)
    remembered = msgspec.json.decode(chunk, type=Event)
    assert sys.getrefcount(chunk) > before
    render([remembered])
    del remembered
    assert sys.getrefcount(chunk) == before


def test_a_payload_over_several_lines_is_one() -> None:
    """Line ends between a payload's tokens do not become ends of the line."""
    assert text(event(data=Raw(b'{"a":\n1,\r\n"b":2}'))).count("\n") == 0
    assert line(data=Raw(b'{"a":\n1,\r\n"b":2}'))["event"] == {"a": 1, "b": 2}


def test_lines_are_read_by_msgspec_too() -> None:
    """An ordinary line is accepted by a strict decoder."""
    assert msgspec.json.decode(text(event(context=BROWSER)))["name"] == "Lesson Opened"
