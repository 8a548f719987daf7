"""Questions in the layout of openedx-webhooks; beside the real package: tests/openedx/importing."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import pytest

from tests.webfilters.tools import declare
from trackside.outbound.base import Outgoing
from trackside.webfilters import FilterPoint, Hook
from trackside.webfilters.layout import known_payload
from trackside.webfilters.points import withdraw
from trackside.webfilters.prepared import Prepared
from trackside.webfilters.snapshot import snapshot

AT = "2026-11-20T12:00:00+00:00"
POINT = declare("test.layout.requested", sends={"user": dict[str, Any], "course_id": str})
DATA = {
    "user": {"id": 7, "joined": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "email": None},
    "course_id": "c",
}


def asked(point: FilterPoint = POINT, data: Any = DATA, **settings: Any) -> Outgoing:
    """Return the request of a hook with these settings."""
    hook = Hook(name="h", point=point.name, url="https://crm.example.org/", **settings)
    prepared = Prepared(hook, point)
    return prepared.request(prepared.shown(snapshot(point, data)), "an-id", at=AT, at_s=1, timeout_s=1)


def body(request: Outgoing) -> Any:
    """Return what a JSON request says."""
    return json.loads(request.body or b"")


def test_what_is_sent() -> None:
    """The fields, times as Python shows them, and a metadata of two members; the id is in the headers."""
    request = asked(layout="openedx", event_type="StudentLoginRequested")
    assert body(request) == {
        "user": {"id": 7, "joined": "2026-01-02 03:04:05+00:00", "email": None},
        "course_id": "c",
        "event_metadata": {"event_type": "StudentLoginRequested", "time": AT},
    }
    assert ("Accept", "text/plain") in request.headers
    assert ("webhook-id", "an-id") in request.headers


def test_a_form() -> None:
    """Its texts are Python's."""
    request = asked(layout="openedx", form_encoding=True)
    assert parse_qsl((request.body or b"").decode()) == [
        ("user_id", "7"),
        ("user_joined", "2026-01-02 03:04:05+00:00"),
        ("user_email", "None"),
        ("course_id", "c"),
        ("event_metadata_event_type", POINT.name),
        ("event_metadata_time", AT),
    ]


def test_narrower() -> None:
    """What is sent is chosen, and redacted, before it is laid out."""
    request = asked(layout="openedx", fields=("user.id",))
    assert body(request)["user"] == {"id": 7}
    assert "course_id" not in body(request)


@pytest.mark.parametrize("form", [False, True])
def test_the_plain_layout_says_another_type_too(*, form: bool) -> None:
    """`event_type` is a setting of its own; the id and the version are there as ever."""
    request = asked(event_type="enrol", form_encoding=form)
    text = (request.body or b"").decode()
    assert ("event_metadata_event_type=enrol" if form else '"event_type":"enrol"') in text
    assert ("event_metadata_id=an-id" if form else '"id":"an-id"') in text
    assert ("Accept", "application/json") in request.headers


@pytest.mark.parametrize(
    ("point", "document", "known"),
    [
        (
            "org.openedx.learning.student.registration.requested.v1",
            {"name": "N", "form_data": {"name": "N", "own": "x", "event_metadata": "mine"}},
            {"name": "N", "own": "x", "event_metadata": "mine"},
        ),
        ("org.openedx.learning.student.registration.requested.v1", {"name": "N"}, {"name": "N"}),
        ("org.example.registration", {"form_data": {"name": "N"}}, {"form_data": {"name": "N"}}),
        (
            "org.openedx.learning.course.homepage.url.creation.started.v1",
            {"course_key": "c", "course_home_url": "u"},
            {"course_id": "c", "course_home_url": "u"},
        ),
    ],
)
def test_names_of_open_edx(point: str, document: dict[str, Any], known: dict[str, Any]) -> None:
    """A registration's form is at the top; keys of courses have the name they had."""
    assert known_payload(point, document) == known


@pytest.fixture
def registration() -> Iterator[FilterPoint]:
    """The point of registrations."""
    point = declare("org.openedx.learning.student.registration.requested.v1", sends={"form_data": dict})
    yield point
    withdraw(point.name)


def test_a_form_cannot_say_what_the_metadata_is(registration: FilterPoint) -> None:
    """Whoever registers chooses the form's fields; `event_metadata` is ours all the same."""
    data = {"form_data": {"event_metadata": {"event_type": "x"}}}
    sent = body(asked(registration, data, layout="openedx"))
    assert sent == {"event_metadata": {"event_type": registration.name, "time": AT}}
