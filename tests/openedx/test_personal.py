"""What of people is said, in each mode."""

import json
from typing import Any

import attrs
import pytest

from trackside.openedx.plain import PlainMaker
from trackside.processors.personal import Mode, context_shown


@attrs.frozen
class UserPersonalData:
    """As openedx-events has it."""

    username: str
    email: str
    name: str


@attrs.frozen
class UserData:
    """As openedx-events has it."""

    id: int
    is_active: bool
    pii: UserPersonalData


@attrs.frozen
class CourseData:
    """A course."""

    course_key: str
    name: str


@attrs.frozen
class VerificationAttemptData:
    """As openedx-events has it."""

    user: UserData
    name: str
    course: CourseData


@attrs.frozen
class TrackingLogData:
    """As openedx-events has it."""

    name: str
    data: str
    context: str


@attrs.frozen
class RoleAssignmentData:
    """As openedx-events has it."""

    subject: str
    role: str
    actor_id: int


USER = UserData(7, True, UserPersonalData("zoe", "u@example.org", "Zoë"))
ATTEMPT = VerificationAttemptData(USER, "Zoë A.", CourseData("course-v1:a+b+c", "A course"))


def of(mode: Mode, value: object) -> Any:
    """Return the value as it is told."""
    return PlainMaker(mode=mode).plain(value)


def test_full() -> None:
    """All that the signal says."""
    assert of("full", ATTEMPT)["user"]["pii"]["email"] == "u@example.org"
    assert of("full", ATTEMPT)["name"] == "Zoë A."


def test_ids_only() -> None:
    """Names and addresses are null, in their places; ids and the names of things stay."""
    assert of("ids_only", ATTEMPT) == {
        "user": {"id": 7, "is_active": True, "pii": None},
        "name": None,
        "course": {"course_key": "course-v1:a+b+c", "name": "A course"},
    }


def test_none() -> None:
    """Ids of users too."""
    assert of("none", ATTEMPT)["user"] == {"id": None, "is_active": True, "pii": None}
    assert of("none", RoleAssignmentData("user^zoe", "staff", 3)) == {
        "subject": None,
        "role": "staff",
        "actor_id": None,
    }


@pytest.mark.parametrize(
    ("name", "ids_only", "none"),
    [
        ("username", None, None),
        ("replier_name", None, None),
        ("coach_email", None, None),
        ("lis_person_name_full", None, None),
        ("lis_person_contact_email_primary", None, None),
        ("ip", None, None),
        ("ip-address", None, None),
        ("Full_Name", None, None),
        ("user_id", "v", None),
        ("user_ids", "v", None),
        ("anonymous_user_id", "v", None),
        ("lms_user_id", "v", None),
        ("course_id", "v", "v"),
        ("display_name", "v", "v"),
        ("thread_id", "v", "v"),
        ("description", "v", "v"),
        ("email_enabled", "v", "v"),
    ],
)
def test_names_in_free_data(name: str, ids_only: object, none: object) -> None:
    """In dicts whose members nobody declared the names decide, at any depth."""
    assert of("ids_only", {"context": [{name: "v"}]}) == {"context": [{name: ids_only}]}
    assert of("none", {"context": [{name: "v"}]}) == {"context": [{name: none}]}


def test_json_in_a_text() -> None:
    """The tracking log's own signal carries JSON as text: it is treated inside, and what is none is left out."""
    data = json.dumps({"username": "zoe", "user_id": 7, "mode": "honor"})
    context = json.dumps({"username": "zoe", "user_id": 7, "ip": "1.2.3.4", "course_id": "c", "odd": 1})
    told = of("ids_only", TrackingLogData("a.b", data, context))
    assert json.loads(told["data"]) == {"username": None, "user_id": 7, "mode": "honor"}
    assert json.loads(told["context"]) == {"user_id": 7, "course_id": "c"}
    assert of("ids_only", TrackingLogData("a.b", "{zoe", "[1]")) == {
        "name": "a.b",
        "data": None,
        "context": None,
    }


def test_no_trace_in_a_whole_event() -> None:
    """Neither name, address nor, with `none`, the id is anywhere in what is told."""
    for mode, secrets in {
        "ids_only": ["zoe", "example", "Zo"],
        "none": ["zoe", "example", "Zo", "7"],
    }.items():
        text = json.dumps(of(mode, {"a": ATTEMPT, "b": [USER]}), ensure_ascii=False)  # type: ignore[arg-type]
        assert not [secret for secret in secrets if secret in text]


def test_context_of_a_request() -> None:
    """Only what is known to identify nobody is told; a context that an application added is not."""
    context = {
        "user_id": 7,
        "username": "zoe",
        "ip": "1.2.3.4",
        "course_id": "c",
        "path": "/u/zoe",
        "host": "h",
    }
    assert context_shown("full", context) == context
    assert context_shown("ids_only", context) == {"user_id": 7, "course_id": "c", "host": "h"}
    assert context_shown("none", context) == {"course_id": "c", "host": "h"}


def test_a_name_that_is_cut() -> None:
    """Where there is no room left for the name of a member, its value is hidden all the same."""
    told = PlainMaker(mode="none", max_bytes=1_024).plain({"a": "x" * 1_000, "anonymous_user_id": 7})
    assert 7 not in told.values()
    assert list(told)[1].endswith("<omitted: size>")
