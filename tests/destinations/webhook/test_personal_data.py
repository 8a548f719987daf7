"""What one endpoint is sent of people, in each mode."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import replace

from tests.destinations.webhook.tools import URL
from trackside.destinations.webhook import WebhookSettings
from trackside.destinations.webhook.bodies import Bodies
from trackside.event import Event

PII = {"username": "zoe", "email": "u@example.org", "name": "Zoë A."}
USER = {"id": 7, "is_active": True, "pii": PII}
SIGNAL = Event(
    id="m-1",
    name="org.openedx.learning.certificate.created.v1",
    type="track",
    source="lms",
    timestamp=datetime(2026, 11, 20, 12, tzinfo=UTC),
    received_at=datetime(2026, 11, 20, 12, tzinfo=UTC),
    data=Raw(
        json.dumps(
            {"certificate": {"user": USER, "course": {"display_name": "A course"}, "name": "Zoë A."}}
        ).encode()
    ),
    context=Raw(b'{"user_id":7,"username":"zoe","ip":"192.0.2.7","course_id":"c","page":{"title":"Zo"}}'),
    user_id="7",
    extra=Raw(b'{"event_metadata":{"event_type":"org.openedx.learning.certificate.created.v1"}}'),
)


def sent(event: Event, mode: str, **settings: Any) -> bytes:
    """Return the body."""
    body = Bodies(WebhookSettings(url=URL, personal_data=mode, **settings)).make(event)  # type: ignore[arg-type]
    assert body is not None
    return body.content


def told(mode: str, data: object, *, name: str = "a.b", kind: str = "track") -> Any:
    """Return the data of an event, as it is sent."""
    event = replace(SIGNAL, name=name, type=kind, data=Raw(json.dumps(data).encode()))
    return json.loads(sent(event, mode))["data"]


def test_full_is_byte_for_byte() -> None:
    """Without a limit the event goes out as it came in."""
    assert sent(SIGNAL, "full") == Bodies(WebhookSettings(url=URL)).make(SIGNAL).content  # type: ignore[union-attr]


def test_ids_only() -> None:
    """Names and addresses are null, in their places; ids and the names of things stay."""
    shown = json.loads(sent(SIGNAL, "ids_only"))
    assert shown["data"] == {
        "certificate": {
            "user": {"id": 7, "is_active": True, "pii": None},
            "course": {"display_name": "A course"},
            "name": None,
        }
    }
    assert shown["context"] == {"user_id": 7, "course_id": "c"}
    assert (shown["user_id"], shown["extra"]["event_metadata"]["event_type"]) == ("7", SIGNAL.name)


def test_none() -> None:
    """Ids of users too."""
    shown = json.loads(sent(SIGNAL, "none"))
    assert shown["data"]["certificate"]["user"] == {"id": None, "is_active": True, "pii": None}
    assert (shown["context"], shown["user_id"]) == ({"course_id": "c"}, None)


@pytest.mark.parametrize("format_", ["json", "cloudevents", "form", "openedx", "openedx_form"])
@pytest.mark.parametrize(
    ("mode", "secrets"), [("ids_only", [b"zoe", b"example", b"Zo"]), ("none", [b"zoe", b"Zo"])]
)
def test_no_trace_in_any_format(mode: str, secrets: list[bytes], format_: str) -> None:
    """Neither in the body nor in what stands around it."""
    body = sent(SIGNAL, mode, format=format_)
    assert not [secret for secret in secrets if secret in body]
    assert b"certificate" in body
    if mode == "none":
        assert b'"subject":"7"' not in body


def test_classes_are_known_by_the_signal() -> None:
    """Fields whose names could be those of things: the class of the signal's data says more."""
    role = {"role_assignment": {"subject": "user^zoe", "role": "staff", "actor_id": 3}}
    assert told("ids_only", role, name="org.openedx.authz.role_assignment.created")["role_assignment"] == {
        "subject": None,
        "role": "staff",
        "actor_id": 3,
    }
    config = {
        "certificate_config": {"title": "T", "signatories": [{"name": "Zoë", "image": "x", "title": "Dr"}]}
    }
    name = "org.openedx.content_authoring.course.certificate_config.changed.v1"
    assert told("ids_only", config, name=name)["certificate_config"] == {
        "title": "T",
        "signatories": [{"name": None, "image": None, "title": "Dr"}],
    }


def test_json_in_a_text() -> None:
    """The signal of the tracking log carries JSON as text: it is treated inside."""
    name = "org.openedx.analytics.tracking.event.emitted.v1"
    log = {
        "name": "a",
        "data": json.dumps({"username": "zoe", "n": 1}),
        "context": json.dumps({"ip": "1", "host": "h"}),
    }
    shown = told("ids_only", {"tracking_log": log}, name=name)["tracking_log"]
    assert json.loads(shown["data"]) == {"username": None, "n": 1}
    assert json.loads(shown["context"]) == {"host": "h"}
    assert told("none", {"tracking_log": {"data": "{zoe"}}, name=name)["tracking_log"] == {"data": None}


def test_traits() -> None:
    """What an application says of a user in `identify` is told from what has such names elsewhere."""
    traits = {
        "name": "Zoë",
        "email": "u@x.org",
        "firstName": "Zoë",
        "plan": "pro",
        "address": {"city": "Bern"},
    }
    assert told("ids_only", traits, kind="identify") == {
        **dict.fromkeys(("name", "email", "firstName", "address")),
        "plan": "pro",
    }
    assert told("ids_only", {"name": "A product", "list": [{"user_email": "u@x.org"}]}) == {
        "name": "A product",
        "list": [{"user_email": None}],
    }


def test_the_parameters_of_a_request() -> None:
    """The event that a request is by itself has them as JSON in a text."""
    given = {"GET": {"q": ["a"]}, "POST": {"email": ["u@x.org"], "username": ["zoe"], "plan": ["pro"]}}
    shown = told("ids_only", {"value": json.dumps(given)}, name="/register")["value"]
    assert json.loads(shown) == {
        "GET": {"q": ["a"]},
        "POST": {"email": None, "username": None, "plan": ["pro"]},
    }
    for text in ('{ "q":"a"}', "{zoe", "[1, 2]", "a"):
        assert told("ids_only", {"value": text}) == {"value": text}


def test_a_changed_setting() -> None:
    """The platform tells both values of a field of a user, an address for one, under names that say nothing."""
    changed = {"setting": "email", "old": "u@x.org", "new": "v@x.org", "table": "auth_user", "user_id": 7}
    hidden = {**changed, "old": None, "new": None}
    assert told("ids_only", changed, name="edx.user.settings.changed") == hidden
    assert told("ids_only", {"all": [changed]}) == {"all": [hidden]}
    signal = "org.openedx.analytics.tracking.event.emitted.v1"
    shown = told("ids_only", {"tracking_log": {"data": json.dumps(changed)}}, name=signal)
    assert json.loads(shown["tracking_log"]["data"]) == hidden
    assert told("ids_only", {"old": 1, "new": 2}) == {"old": 1, "new": 2}


@pytest.mark.parametrize(
    "name",
    [
        *("emails", "usernames", "email_addresses", "mail", "identifiers", "unique_student_identifier"),
        *("client_ip", "remoteIp", "X-Forwarded-For"),
    ],
)
def test_other_names_of_the_same(name: str) -> None:
    """Several of them too."""
    assert told("ids_only", {name: ["zoe"], "membership": "gold"}) == {name: None, "membership": "gold"}


def test_other_ids() -> None:
    """Who somebody was before, as `alias` has it, and who nobody knows."""
    event = replace(SIGNAL, extra=Raw(b'{"previousId":"zoe"}'), data=Raw(b'{"anonymous_ids":["a-1"]}'))
    shown = json.loads(sent(event, "none"))
    assert (shown["extra"], shown["data"]) == ({"previousId": None}, {"anonymous_ids": None})
    assert json.loads(sent(event, "ids_only"))["extra"] == {"previousId": "zoe"}


def test_what_is_asked_for_is_judged_before() -> None:
    """`where` sees the whole event, `fields` what is left."""
    where = {"context.username": ("zoe",)}
    shown = json.loads(sent(SIGNAL, "none", where=where, fields=("user_id", "data.certificate.user")))
    assert shown["data"] == {"certificate": {"user": {"id": None, "is_active": True, "pii": None}}}
    assert shown["user_id"] is None
