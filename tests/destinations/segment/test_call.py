"""Which call an event becomes."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import replace

from tests.backends.test_segment import CONTEXTS
from tests.destinations.segment.place import emitted
from trackside.destinations.base import FILTERED
from trackside.destinations.segment.call import to_call
from trackside.event import EMITTED_VALUE, Event
from trackside.testing.destination_contract import ODD_JSON, make_event

AT = datetime(2026, 11, 3, 9, 30, 15, 120_000, tzinfo=UTC)


def call(event: Event) -> dict[str, Any]:
    """Return the call, decoded, no name in it standing twice."""
    text = to_call(event)
    assert isinstance(text, bytes)

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len(dict(pairs)) == len(pairs), pairs
        return dict(pairs)

    decoded: dict[str, Any] = json.loads(text, object_pairs_hook=unique)
    return decoded


def came(kind: str, data: bytes = b"{}", extra: bytes = b"{}", **fields: Any) -> Event:
    """Return an event that came in by Segment's API."""
    name = "Lesson Opened" if kind == "track" else kind
    given = {"type": kind, "name": name, "timestamp": AT, "data": Raw(data), "extra": Raw(extra)}
    return replace(make_event(1), **given | fields)


ENVELOPE = {"messageId": "event-1", "timestamp": "2026-11-03T09:30:15.120000Z", "userId": "1", "context": {}}


def test_a_track_call() -> None:
    """Its name, its properties, and what else the call carried."""
    extra = b'{"integrations":{"All":false},"_metadata":{"bundled":["a"]},"channel":"server"}'
    assert call(came("track", b'{"a":1}', extra, anonymous_id="a-1")) == {
        **ENVELOPE,
        "type": "track",
        "event": "Lesson Opened",
        "properties": {"a": 1},
        "anonymousId": "a-1",
        "integrations": {"All": False},
        "_metadata": {"bundled": ["a"]},
        "channel": "server",
    }


@pytest.mark.parametrize(
    ("kind", "extra"), [("identify", {}), ("group", {"groupId": "g"}), ("alias", {"previousId": "p"})]
)
def test_calls_with_traits(kind: str, extra: dict[str, Any]) -> None:
    """Who, and of what or formerly whom."""
    found = call(came(kind, b'{"plan":"x"}', json.dumps(extra).encode()))
    assert found == {**ENVELOPE, "type": kind, "traits": {"plan": "x"}, **extra}


def test_an_alias_without_traits_has_none() -> None:
    """As SDKs send it."""
    assert "traits" not in call(came("alias", extra=b'{"previousId":"p"}'))


@pytest.mark.parametrize("kind", ["page", "screen"])
def test_pages(kind: str) -> None:
    """Their name and category stand in the call, too, as SDKs put them; other ones are the call's own."""
    data = {"name": "Home", "category": "Docs", "path": "/"}
    text = json.dumps(data).encode()
    assert call(came(kind, text)) == {
        **ENVELOPE,
        "type": kind,
        "name": "Home",
        "category": "Docs",
        "properties": data,
    }
    other = call(came(kind, text, b'{"name":"Start"}'))
    assert (other["name"], other["category"], other["properties"]) == ("Start", "Docs", data)
    for odd in (b'{"name":7,"category":null}', *ODD_JSON[:2]):
        assert "name" not in str(to_call(came(kind, odd))).partition('"properties"')[0]


def test_what_others_said_of_the_envelope_gives_way() -> None:
    """Times of a server before us, an id that could not be ours: each name stands once, with what we say."""
    extra = b'{"timestamp":"then","receivedAt":"then","messageId":7,"integrations":{"timestamp":1}}'
    found = call(came("track", extra=extra))
    assert found["timestamp"] == ENVELOPE["timestamp"]
    assert found["messageId"] == "event-1"
    assert found["integrations"] == {"timestamp": 1}
    assert "receivedAt" not in found
    assert "integrations" not in call(came("track", extra=b'{"timestamp":"then"}'))
    assert call(came("identify", extra=b'{"event":"E","properties":{"a":1}}'))["event"] == "E"


def test_an_extra_that_cannot_be_looked_into() -> None:
    """It goes in front: decoders take the last of two members of one name."""
    text = to_call(came("group", extra=b'{"groupId":"g","timestamp":"\\ud800"}'))
    assert isinstance(text, bytes)
    found = json.loads(text)
    assert (found["groupId"], found["timestamp"]) == ("g", ENVELOPE["timestamp"])


def test_an_emitted_event() -> None:
    """A track call with the whole event as its properties, and what Segment has names for in its context."""
    context = {
        "user_id": 7,
        "client_id": "1.2",
        "ip": "203.0.113.7",
        "agent": "Firefox",
        "host": "lms.example.org",
        "path": "/courses",
        "referer": "https://r.example.org/",
        "course_id": "course-v1:a+b+c",
    }
    event = emitted(1, b'{"a":1}', json.dumps(context).encode(), timestamp=AT)
    assert call(event) == {
        "type": "track",
        "event": "edx.x",
        "messageId": "event-1",
        "userId": "7",
        "timestamp": "2026-11-03T09:30:15.120000Z",
        "properties": {
            "name": "edx.x",
            "timestamp": "2026-11-03T09:30:15.120000+00:00",
            "data": {"a": 1},
            "context": context,
        },
        "context": {
            "Google Analytics": {"clientId": "1.2"},
            "ip": "203.0.113.7",
            "userAgent": "Firefox",
            "page": {
                "path": "/courses",
                "referrer": "https://r.example.org/",
                "url": "https://lms.example.org/courses",
            },
        },
    }


@pytest.mark.parametrize(("context", "expected"), CONTEXTS)
def test_the_context_is_the_backends(context: dict[str, Any], expected: dict[str, Any]) -> None:
    """Field by field what the in-process backend sends."""
    assert call(emitted(context=json.dumps(context).encode()))["context"] == expected


def test_data_that_is_no_object() -> None:
    """It is the event's data as it was emitted."""
    event = emitted(data=b'{"value":"text"}', extra=EMITTED_VALUE)
    assert call(event)["properties"]["data"] == "text"
    spaced = emitted(data=b'{ "value": [1] }', extra=EMITTED_VALUE)
    assert call(spaced)["properties"]["data"] == [1]


def test_a_signal() -> None:
    """Goes as any other emitted event, with its data whole."""
    signal = Raw(b'{"origin":"tracker","event_metadata":{"id":"x"}}')
    assert call(emitted(data=b'{"a":1}', extra=signal)) == call(emitted(data=b'{"a":1}'))


@pytest.mark.parametrize(
    "nobody",
    [
        emitted(user_id=None),
        emitted(user_id=""),
        emitted(user_id=None, anonymous_id="nobody"),
        emitted(name=""),
        replace(make_event(1), user_id=None),
        replace(make_event(1), name=""),
    ],
)
def test_events_of_nobody_are_passed_over(nobody: Event) -> None:
    """Segment would answer 200 and drop them."""
    assert to_call(nobody) is FILTERED


def test_somebody_unnamed_is_somebody() -> None:
    """Segment takes events of people known by an anonymous id alone."""
    assert call(emitted(user_id=None, anonymous_id="a-1"))["anonymousId"] == "a-1"
    assert call(replace(make_event(1), user_id=None, anonymous_id="nobody"))["anonymousId"] == "nobody"


@pytest.mark.parametrize("odd", [ODD_JSON[0], ODD_JSON[1], *ODD_JSON[3:]])
def test_odd_emitted_events(odd: bytes) -> None:
    """Their bytes go on; what is lifted out of them is looked for in a slower way."""
    found = call_of_odd(emitted(data=odd, context=odd))
    assert odd in found


def call_of_odd(event: Event) -> bytes:
    """Return the call's text."""
    text = to_call(event)
    assert isinstance(text, bytes)
    return text
