"""What the body of a request holds, in each format."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_structured_event
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from tests.destinations.webhook.tools import URL
from trackside.destinations.webhook import WebhookSettings
from trackside.destinations.webhook.bodies import Bodies, Body
from trackside.event import Event
from trackside.testing.destination_contract import ODD_JSON, make_event

EVENT = Event(
    id="m-1",
    name="edx.course.enrollment.activated",
    type="track",
    source="web",
    timestamp=datetime(2026, 11, 20, 12, 0, 0, 500_000, tzinfo=UTC),
    received_at=datetime(2026, 11, 20, 12, 0, 1, tzinfo=UTC),
    data=Raw(b'{"course_id":"course-v1:edX+D+1","user":{"id":7,"email":"a@b.org"},"n":[1,{"x":2}]}'),
    context=Raw(b'{"ip":"192.0.2.7","page":{"url":"https://x.org/?token=1"}}'),
    user_id="7",
)


def body_of(event: Event, **settings: Any) -> Body | None:
    return Bodies(WebhookSettings(url=URL, **settings)).make(event)


def json_of(event: Event, **settings: Any) -> Any:
    body = body_of(event, **settings)
    assert body is not None
    return json.loads(body.content)


def form_of(event: Event, **settings: Any) -> list[tuple[str, str]]:
    body = body_of(event, format="form", **settings)
    assert body is not None
    assert body.content_type == "application/x-www-form-urlencoded"
    return parse_qsl(body.content.decode(), keep_blank_values=True)


def with_data(data: object, **changed: Any) -> Event:
    return replace(EVENT, data=Raw(json.dumps(data).encode()), **changed)


def test_json() -> None:
    """All of the event, compact, the times in ISO 8601; what the source left out is left out."""
    body = body_of(EVENT)
    assert body is not None
    assert body.content_type == "application/json"
    assert body.content == (
        b'{"id":"m-1","name":"edx.course.enrollment.activated","type":"track",'
        b'"timestamp":"2026-11-20T12:00:00.500000Z","received_at":"2026-11-20T12:00:01Z","source":"web",'
        b'"user_id":"7","anonymous_id":null,'
        b'"data":{"course_id":"course-v1:edX+D+1","user":{"id":7,"email":"a@b.org"},"n":[1,{"x":2}]},'
        b'"context":{"ip":"192.0.2.7","page":{"url":"https://x.org/?token=1"}}}'
    )


def test_json_of_all_fields() -> None:
    """The client's own times and what else the protocol carried are there where it sent them."""
    event = replace(
        EVENT, original_timestamp="2026-11-20T11:59:00Z", sent_at="x", extra=Raw(b'{"groupId":"g"}')
    )
    sent = json_of(event)
    assert (sent["original_timestamp"], sent["sent_at"], sent["extra"]) == (
        "2026-11-20T11:59:00Z",
        "x",
        {"groupId": "g"},
    )


@pytest.mark.parametrize("format_", ["json", "cloudevents", "form", "openedx", "openedx_form"])
def test_the_same_event_gives_the_same_bytes(format_: str) -> None:
    """A body does not depend on when it is made, nor by which object."""
    settings = {"format": format_, "redact": ("email",)}
    assert body_of(EVENT, **settings) == body_of(EVENT, **settings)


@pytest.mark.parametrize("odd", ODD_JSON, ids=["surrogates", "numbers", "nesting", "unicode", "types"])
def test_odd_json_leaves_as_it_came(odd: bytes) -> None:
    """In the format json nothing of an event's own JSON is decoded and made anew."""
    body = body_of(make_event(1, data=odd, context=odd))
    assert body is not None
    assert body.content.count(odd) == 2


def test_half_characters_of_names() -> None:
    """Where an event's own texts cannot be JSON, they are marked; the body is valid."""
    sent = json_of(replace(EVENT, name="Lesson \ud800", user_id="\udfff"))
    assert (sent["name"], sent["user_id"]) == ("Lesson ?", "?")


def test_cloud_events() -> None:
    """An SDK of CloudEvents reads it; data is the object of the format json, the subject is the user."""
    body = body_of(EVENT, format="cloudevents")
    assert body is not None
    assert body.content_type == "application/cloudevents+json"
    read = from_structured_event(HTTPMessage({"content-type": body.content_type}, body.content))
    assert (read.get_id(), read.get_type(), read.get_source()) == (EVENT.id, EVENT.name, "/sources/web")
    assert (read.get_specversion(), read.get_subject(), read.get_time()) == ("1.0", "7", EVENT.timestamp)
    assert read.get_datacontenttype() == "application/json"
    assert read.get_data() == json_of(EVENT)


def test_cloud_events_of_odd_names() -> None:
    """Attributes hold no control characters, are not empty, and a source is a URI reference."""
    event = replace(EVENT, name="\x00a\x7f", source="a b/ü", id="\n1", user_id=None)
    body = body_of(event, format="cloudevents")
    assert body is not None
    read = from_structured_event(HTTPMessage({"content-type": body.content_type}, body.content))
    assert (read.get_type(), read.get_id()) == ("\ufffda\ufffd", "\ufffd1")
    assert (read.get_source(), read.get_subject()) == ("/sources/a%20b%2F%C3%BC", None)
    assert json_of(replace(EVENT, name=""), format="cloudevents")["type"] == "unnamed"


def test_form() -> None:
    """Nested names are joined by `_`, as openedx-webhooks describes it: user_id, user_email, event_metadata_time."""
    assert form_of(EVENT) == [
        ("course_id", "course-v1:edX+D+1"),
        ("user_id", "7"),
        ("user_email", "a@b.org"),
        ("n", '[1,{"x":2}]'),
        ("context_ip", "192.0.2.7"),
        ("context_page_url", "https://x.org/?token=1"),
        ("event_metadata_event_type", "edx.course.enrollment.activated"),
        ("event_metadata_id", "m-1"),
        ("event_metadata_time", "2026-11-20T12:00:00.500000Z"),
        ("event_metadata_type", "track"),
        ("event_metadata_received_at", "2026-11-20T12:00:01Z"),
        ("event_metadata_source", "web"),
        ("event_metadata_user_id", "7"),
        ("event_metadata_anonymous_id", ""),
    ]


@pytest.mark.parametrize(
    ("data", "pairs"),
    [
        ({"a": {"b_c": 1}, "a_b": {"c": 2}}, [("a_b_c", "1"), ("a_b_c", "2")]),
        ({"e": {}, "l": [], "n": None, "t": True}, [("e", "{}"), ("l", "[]"), ("n", ""), ("t", "true")]),
        ({"": {"": 1}}, [("_", "1")]),
        ({"ü&=": "ä b+\n"}, [("ü&=", "ä b+\n")]),
        ({"f": 1.5, "i": 10**30}, [("f", "1.5"), ("i", "1" + "0" * 30)]),
        ({"s": "\ud800"}, [("s", "?")]),
        ({}, []),
    ],
)
def test_traps_of_forms(data: object, pairs: list[tuple[str, str]]) -> None:
    """Names that fall together are both there, what is empty does not vanish, lists are JSON."""
    sent = form_of(with_data(data))
    assert sent[: len(pairs)] == pairs
    assert sent[len(pairs)][0] == "context_ip"


_scalars = st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"]))
_trees = st.recursive(
    _scalars, lambda inner: st.dictionaries(st.text("ab_", max_size=3), inner, max_size=3), max_leaves=8
)


def _leaves(value: object) -> int:
    if isinstance(value, dict) and value:
        return sum(map(_leaves, value.values()))
    return 1


@given(st.dictionaries(st.text("ab_", max_size=3), _trees, max_size=4))
def test_no_value_is_lost_in_a_form(data: dict[str, Any]) -> None:
    """There is one pair for each value, whatever the names are."""
    pairs = [pair for pair in form_of(with_data(data)) if not pair[0].startswith(("context_", "event_meta"))]
    assert len(pairs) == sum(map(_leaves, data.values()))


SIGNAL = with_data(
    {"enrollment": {"user": {"id": 4, "pii": {"email": "u@x.org"}}, "mode": "honor", "created_by": None}},
    name="org.openedx.learning.course.enrollment.created.v1",
)


def test_openedx_of_a_signal() -> None:
    """The payload is under the name of its class, beside the metadata: as openedx-webhooks sends it."""
    assert json_of(SIGNAL, format="openedx") == {
        "openedx_events.learning.data.CourseEnrollmentData": {
            "user": {"id": 4, "pii": {"email": "u@x.org"}},
            "mode": "honor",
            "created_by": None,
        },
        "event_metadata": {
            "event_type": "org.openedx.learning.course.enrollment.created.v1",
            "id": "m-1",
            "minorversion": 0,
            "source": "web",
            "sourcehost": "",
            "time": "2026-11-20 12:00:00.500000+00:00",
            "sourcelib": [0, 0, 0],
        },
    }


def test_openedx_with_the_signals_own_metadata() -> None:
    """What the platform said of the signal goes on, where the source kept it."""
    metadata = {"source": "openedx/lms/web", "sourcehost": "lms", "sourcelib": [11, 2, 0], "id": "78cd35f8"}
    event = replace(SIGNAL, extra=Raw(json.dumps({"event_metadata": metadata}).encode()))
    sent = json_of(event, format="openedx")["event_metadata"]
    assert {name: sent[name] for name in metadata} == metadata
    assert sent["event_type"] == SIGNAL.name


@pytest.mark.parametrize(
    ("signal", "argument", "key"),
    [
        (
            "org.openedx.learning.student.registration.completed.v1",
            "user",
            "openedx_events.learning.data.UserData",
        ),
        (
            "org.openedx.learning.ccx.course.passing.status.updated.v1",
            "course_passing_status",
            "openedx_events.learning.data.CcxCoursePassingStatusData",
        ),
        (
            "org.openedx.content_authoring.xblock.published.v1",
            "xblock_info",
            "openedx_events.content_authoring.data.XBlockData",
        ),
        ("org.openedx.learning.something.new.v1", "novelty", "novelty"),
        ("org.openedx.", "user", "user"),
    ],
)
def test_names_of_classes(signal: str, argument: str, key: str) -> None:
    """A signal's class is known by part of the platform and argument; one nobody knows keeps its name."""
    sent = json_of(with_data({argument: {"a": 1}}, name=signal), format="openedx")
    assert list(sent) == [key, "event_metadata"]


def test_openedx_of_any_other_event() -> None:
    """What is no signal has its data and context under these names."""
    sent = json_of(EVENT, format="openedx")
    assert list(sent) == ["data", "context", "event_metadata"]
    assert sent["data"]["course_id"] == "course-v1:edX+D+1"


def test_openedx_form() -> None:
    """Values look as Python shows them, as receivers know them from openedx-webhooks."""
    body = body_of(SIGNAL, format="openedx_form")
    assert body is not None
    sent = dict(parse_qsl(body.content.decode()))
    assert sent["openedx_events.learning.data.CourseEnrollmentData_user_pii_email"] == "u@x.org"
    assert sent["openedx_events.learning.data.CourseEnrollmentData_created_by"] == "None"
    assert sent["event_metadata_sourcelib"] == "[0, 0, 0]"


@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        ({"type": "track"}, True),
        ({"type": ("page", "tr*")}, True),
        ({"type": "page"}, False),
        ({"data.course_id": "course-v1:edX*"}, True),
        ({"data.course_id": "course-v1:edX*", "source": "mobile"}, False),
        ({"data.user.id": "7"}, True),
        ({"data.n": "1"}, True),
        ({"data.n.x": "2"}, True),
        ({"data.missing": "*"}, False),
        ({"data": "*"}, True),
        ({"anonymous_id": "*"}, False),
        ({"name": "edx.course.*"}, True),
        ({"data.user.id.more": "*"}, False),
        ({"user_id": "!7"}, False),
        ({"user_id": "!8"}, True),
        ({"anonymous_id": "!*"}, True),
        ({"name": ("edx.*", "!*.activated")}, False),
        ({"name": ("edx.*", "!*.deactivated")}, True),
        ({"data.n": "!1"}, False),
    ],
)
def test_where(where: dict[str, Any], wanted: bool) -> None:
    """Each path has to have a value that one of its globs matches, and none that one with `!` does."""
    assert (body_of(EVENT, where=where) is not None) is wanted


def test_a_name_with_dots_in_it() -> None:
    """A path finds a member whose own name has dots."""
    assert body_of(with_data({"a.b": {"c": "x"}, "t": True}), where={"data.a.b": "*x*"}) is not None
    assert body_of(with_data({"t": True}), where={"data.t": "true"}) is not None


def test_fields() -> None:
    """Only what the paths name is sent, and by what a receiver tells events apart."""
    fields = ("data.course_id", "data.n.x", "context.page", "context.nothing")
    assert json_of(EVENT, fields=fields) == {
        "id": "m-1",
        "name": "edx.course.enrollment.activated",
        "timestamp": "2026-11-20T12:00:00.500000Z",
        "data": {"course_id": "course-v1:edX+D+1", "n": [{"x": 2}]},
        "context": {"page": {"url": "https://x.org/?token=1"}},
    }


@pytest.mark.parametrize("fields", [("data", "data.n"), ("data.n", "data")])
def test_a_path_and_one_below_it(fields: tuple[str, ...]) -> None:
    """The wider of two paths counts."""
    assert json_of(EVENT, fields=fields)["data"]["course_id"] == "course-v1:edX+D+1"


def test_a_user_who_is_not_sent_is_no_subject() -> None:
    """What the fields leave out is not in the envelope of a CloudEvent either."""
    assert "subject" not in json_of(EVENT, format="cloudevents", fields=("data",))
    redacted = json_of(replace(EVENT, user_id="a@b.org"), format="cloudevents", redact=("email",))
    assert redacted["subject"] == redacted["data"]["user_id"] == "********"


def test_redaction() -> None:
    """Secret texts and fields are replaced, wherever they are; the event's id is not, it is compared."""
    event = replace(EVENT, id="a@b.org")
    sent = json_of(event, redact=("email",), redact_fields=("token", "ip"))
    assert sent["id"] == "a@b.org"
    assert sent["data"]["user"] == {"id": 7, "email": "********"}
    assert sent["context"] == {"ip": "********", "page": {"url": "https://x.org/?token=********"}}


@pytest.mark.parametrize(
    "settings", [{"redact": ("email",)}, {"fields": ("data",)}, {"where": {"data": "*"}}]
)
def test_what_cannot_be_looked_into_is_not_sent(settings: dict[str, Any]) -> None:
    """An event that nobody could redact or filter raises: it must not go out as it is."""
    deep = make_event(1, data=b'{"deep":' + b"[" * 200_000 + b"]" * 200_000 + b"}")
    with pytest.raises((ValueError, RecursionError)):
        body_of(deep, **settings)


def test_numbers_that_json_does_not_have() -> None:
    """A number of thousands of digits is refused where it has to be written anew; nobody reads infinity."""
    with pytest.raises(ValueError, match="JSON"):
        body_of(make_event(1, data=b'{"huge":' + b"9" * 5_000 + b"}"), fields=("data",))


def test_times_in_openedx() -> None:
    """They look as these receivers know them; a text that only begins like one stays."""
    event = with_data(
        {
            "grade": {
                "at": "2026-01-02T03:04:05.678901+00:00",
                "all": ["2026-01-02T03:04:05+00:00"],
                "s": "aTb",
            }
        },
        name="org.openedx.learning.course.persistent_grade_summary.changed.v1",
    )
    metadata = {"time": "2026-01-02T03:04:05.678901+00:00"}
    sent = json_of(
        replace(event, extra=Raw(json.dumps({"event_metadata": metadata}).encode())), format="openedx"
    )
    assert sent["openedx_events.learning.data.PersistentCourseGradeData"] == {
        "at": "2026-01-02 03:04:05.678901+00:00",
        "all": ["2026-01-02 03:04:05+00:00"],
        "s": "aTb",
    }
    assert sent["event_metadata"]["time"] == "2026-01-02 03:04:05.678901+00:00"
