"""What receivers answer: only declared changes and declared exceptions come of it, whatever the bytes."""

import json
from datetime import UTC, datetime
from typing import Annotated, Any, TypedDict

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.webfilters.tools import (
    DATA,
    ENROLLMENT,
    Asked,
    PreventEnrollment,
    RenderInstead,
    changes,
    declare,
    hook,
    says,
    stops,
)
from trackside.outbound.base import Answer, Failed, Fault
from trackside.outbound.signing import Signer
from trackside.webfilters import Filtered, Stops

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
DEEP = b'{"data":' * 40 + b"1" + b"}" * 40

UNUSABLE: dict[str, Answer] = {
    "null": says(b"null"),
    "a number": says(b"5"),
    "true": says(b"true"),
    "a list": says(b"[]"),
    "a text": says(b'"go on"'),
    "no JSON": says(b"<html>"),
    "half of it": says(b'{"data": {"mode": "x"'),
    "a byte order mark": says(b"\xef\xbb\xbf{}"),
    "UTF-16": says("{}".encode("utf-16")),
    "Latin-1": says('{"data": {"mode": "é"}}'.encode("latin-1")),
    "NaN": says(b'{"data": {"mode": NaN}}'),
    "1e999": says(b'{"data": {"mode": 1e999}}'),
    "deep": says(DEEP),
    "very deep": says(b"[" * 60_000),
    "many values": says({"data": {"context": {"list": [1] * 6_000}}}),
    "too long": Answer(status=200, headers={}, body=b'{"data": {}}', truncated=True),
    "gzip": says({"data": {}}, headers={"content-encoding": "gzip"}),
    "data is a text": says({"data": "mode=paid"}),
    "data is a list": says({"data": [["mode", "paid"]]}),
    "exception is a text": says({"exception": "PreventEnrollment"}),
    "exception is a list": says({"exception": ["PreventEnrollment"]}),
    "two exceptions": says({"exception": {"PreventEnrollment": "", "RenderInstead": ""}}),
    "an unknown exception": stops("x", name="SystemExit"),
    "the reason is a number": stops(5),
    "the reason is a list": stops(["no"]),
    "the reason is endless": stops("x" * 2_001),
    "an unknown field": stops({"bogus": 1}),
    "status as a text": stops({"status_code": "403"}),
    "javascript": stops({"redirect_to": "javascript:alert(1)"}),
    "elsewhere without a scheme": stops({"redirect_to": "//evil.example.org/"}),
    "elsewhere by a backslash": stops({"redirect_to": "/\\evil.example.org/"}),
    "a line break in a redirect": stops({"redirect_to": "/a\r\nSet-Cookie: x=1"}),
    "data of a URL": stops({"redirect_to": "data:text/html,x"}),
    "a field nobody may change": changes(course_id="course-v1:other"),
    "an inner field nobody may change": changes(user={"email": "me@evil.example.org"}),
    "a privilege": changes(user={"is_superuser": True}),
    "one good field and a bad one": changes(mode="paid", user={"email": "me@evil.example.org"}),
    "a text for an object": changes(user="root"),
    "a text for a table": changes(context="str"),
    "null for a text": changes(mode=None),
    "a number for a text": changes(mode=5),
    "no moment": changes(expires="soon"),
    "a redirect": says(b"", status=307, headers={"location": "http://169.254.169.254/"}),
    "100": says(b"", status=101),
    "600": says(b"{}", status=600),
}


@pytest.mark.parametrize("what", UNUSABLE)
def test_what_cannot_be_used_is_a_failure_by_the_policy(what: str) -> None:
    """Fail open: nothing of it is applied. Fail closed: the first exception of the point. The reason is recorded."""
    asked = Asked(hook(), crm=UNUSABLE[what])
    assert asked.ask() == Filtered(DATA, {}, "question-1")
    assert (asked.last.hooks[0].outcome, asked.last.fail_open) == ("failed", True)
    assert asked.last.hooks[0].reason
    assert "evil" not in repr(asked.last)
    assert isinstance(Asked(hook(on_failure="fail_closed"), crm=UNUSABLE[what]).stopped(), PreventEnrollment)


def test_an_exception_is_a_text_or_an_object_or_without_a_reason() -> None:
    """Each names one exception of the point."""
    for said, message, redirect, status in (
        ("Full", "Full", None, None),
        (
            {"message": "Full", "redirect_to": "/waiting-list", "status_code": 409},
            "Full",
            "/waiting-list",
            409,
        ),
        (
            {"redirect_to": "https://shop.example.org/pay?c=1"},
            "This is not possible at the moment.",
            "https://shop.example.org/pay?c=1",
            None,
        ),
        (None, "This is not possible at the moment.", None, None),
        ("", "This is not possible at the moment.", None, None),
        ({}, "This is not possible at the moment.", None, None),
    ):
        error = Asked(hook(), crm=stops(said)).stopped()
        assert isinstance(error, PreventEnrollment)
        assert (error.message, error.redirect_to, error.status_code) == (message, redirect, status)
    assert isinstance(Asked(hook(), crm=stops("x", name="RenderInstead")).stopped(), RenderInstead)


def test_data_and_exception_together_stop_and_change_nothing() -> None:
    """The old way saved the data before it raised."""
    asked = Asked(hook(), crm=says({"data": {"mode": "paid"}, "exception": {"PreventEnrollment": "No"}}))
    assert isinstance(asked.stopped(), PreventEnrollment)
    assert asked.last.patch == ()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" \r\n",
        b"{}",
        b'{"data": {}}',
        b'{"data": null, "exception": null}',
        b'{"exception": {}, "more": 1}',
    ],
)
def test_an_answer_that_says_nothing_lets_go_on(body: bytes) -> None:
    """Empty, or without both keys; other keys are nobody's business."""
    asked = Asked(hook(on_failure="fail_closed"), crm=says(body))
    assert asked.ask().changes == {}
    assert asked.last.hooks[0].outcome == "passed"


def test_switched_off_is_not_even_read() -> None:
    """Disable filtering and disable halting: what they ignore cannot be wrong."""
    asked = Asked(
        hook(disable_filtering=True, disable_halting=True, on_failure="fail_closed"),
        crm=says({"data": {"mode": 5}, "exception": {"SystemExit": 1}}),
    )
    assert asked.ask().changes == {}
    assert asked.last.hooks[0].outcome == "passed"
    assert Asked(hook(disable_filtering=True), crm=stops()).stopped() is not None
    assert Asked(hook(disable_halting=True), crm=changes(mode="x")).ask().changes == {"mode": "x"}


def test_values_come_in_the_types_of_the_point() -> None:
    """A moment is a datetime, null is a value where the type has it."""
    expires = datetime(2027, 1, 1, tzinfo=UTC)
    assert Asked(hook(), crm=changes(expires="2027-01-01T00:00:00Z")).ask().changes == {"expires": expires}
    asked = Asked(hook(), crm=changes(expires=None))
    assert asked.ask({**DATA, "expires": expires}).data["expires"] is None


def test_a_hook_may_change_less_than_its_point() -> None:
    """Paths of the hook's own, also within what the point lets be changed."""
    narrow = hook(may_change=("mode", "context.tab"), on_failure="fail_closed")
    assert Asked(narrow, crm=changes(mode="x", context={"tab": 1})).ask().changes == {
        "mode": "x",
        "context": {"tab": 1},
    }
    assert Asked(narrow, crm=changes(user={"first_name": "x"})).stopped() is not None
    assert Asked(narrow, crm=changes(context={"list": []})).stopped() is not None


class Form(TypedDict, total=False):
    """A table of which every field is known."""

    name: Annotated[str, msgspec.Meta(max_length=20)]
    year: int


def test_objects_with_known_fields() -> None:
    """A field that the type does not have is refused, not dropped."""
    point = declare(
        "test.form", sends={"form": dict}, changes={"form": Form}, exceptions={"No": PreventEnrollment}
    )
    form = {"name": "A", "year": 1990}
    for data, expected in (
        ({"name": "New Name"}, {"name": "New Name"}),
        ({"year": 2000}, {"year": 2000}),
    ):
        result = Asked(hook(point=point.name), crm=changes(form=data)).ask({"form": form}, point)
        assert result.changes == {"form": expected}
        assert result.data == {"form": {**form, **expected}}
    bad: Any
    for bad in ({"role": "admin"}, {"name": "x" * 21}, {"year": "1990"}, {"name": {"a": 1}}):
        asked = Asked(hook(point=point.name, on_failure="fail_closed"), crm=changes(form=bad))
        assert asked.stopped({"form": form}, point) is not None


def test_a_class_that_raises_when_it_is_made_is_a_failure() -> None:
    """A constructor's own error never reaches the platform."""

    def odd(message: str, **_: Any) -> Exception:
        if message == "boom":
            raise ZeroDivisionError
        return PreventEnrollment(message)

    point = declare("test.odd_class", sends={"a": int}, exceptions={"No": Stops(odd)})
    asked = Asked(hook(point=point.name), crm=stops("boom", name="No"))
    assert asked.ask({"a": 1}, point).changes == {}
    assert asked.last.hooks[0].reason == "the answer cannot be read: ZeroDivisionError"


def test_only_signed_answers_count_where_that_is_asked() -> None:
    """Signed with the key of the question, about this question, and not changed."""
    signed_hook = hook(secret=KEY, signed_replies=True, on_failure="fail_closed")
    body = b'{"data": {"mode": "x"}}'

    def signed(message_id: str, content: bytes = body, key: str = KEY) -> Answer:
        now = int(datetime.now(UTC).timestamp())
        return says(content, headers=dict(Signer([key]).headers(message_id, body, at_s=now)))

    assert Asked(signed_hook, crm=signed("question-1")).ask().changes == {"mode": "x"}
    other = "whsec_" + "A" * 32
    for bad in (
        says(body),
        signed("question-9"),
        signed("question-1", b"{}"),
        signed("question-1", key=other),
    ):
        assert Asked(signed_hook, crm=bad).stopped() is not None


def outcome_of(asked: Asked) -> tuple[Filtered | None, Exception | None]:
    """Return what came of a question; an exception that is not declared is raised."""
    try:
        return asked.ask(), None
    except (PreventEnrollment, RenderInstead) as error:
        return None, error


# Any reply at all.

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from(
    ["mode", "user", "first_name", "email", "is_superuser", "context", "expires", "course_id"]
)
NEAR: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {},
    optional={
        "data": JSON | st.dictionaries(FIELDS, JSON | st.dictionaries(FIELDS, JSON, max_size=3), max_size=3),
        "exception": JSON
        | st.dictionaries(
            st.sampled_from(["PreventEnrollment", "RenderInstead", "SystemExit"]),
            JSON
            | st.dictionaries(
                st.sampled_from(["message", "redirect_to", "status_code", "x"]), JSON, max_size=3
            ),
            max_size=2,
        ),
    },
)
BODIES = (
    st.binary(max_size=200)
    | JSON.map(lambda value: json.dumps(value).encode())
    | NEAR.map(lambda value: json.dumps(value).encode())
)
ANSWERS = st.builds(
    lambda status, body, headers, truncated: Answer(
        status=status, body=body, headers=headers, truncated=truncated
    ),
    st.sampled_from([200, 200, 200, 201, 204, 301, 400, 403, 500, 503, 0, 999]),
    BODIES,
    st.sampled_from([{}, {"content-encoding": "gzip"}, {"content-type": "text/html"}]),
    st.booleans(),
)
REPLIES = ANSWERS | st.builds(
    lambda fault: Failed(fault=fault, detail="nobody is there"), st.sampled_from([*Fault])
)


@given(
    replies=st.lists(REPLIES, min_size=2, max_size=2),
    kinds=st.lists(st.sampled_from(["changer", "decider"]), min_size=2, max_size=2),
    policy=st.sampled_from(["fail_open", "fail_closed"]),
    mode=st.sampled_from(["shadow", "enforce"]),
)
def test_whatever_is_answered_only_what_is_declared_comes_of_it(
    replies: list[Answer | Failed], kinds: list[Any], policy: Any, mode: Any
) -> None:
    """A declared exception, or data of which only declared fields are different, each of its declared type."""
    hooks = [
        hook(name, kind=kind, on_failure=policy, mode=mode)
        for name, kind in zip(("a", "b"), kinds, strict=True)
    ]
    asked = Asked(*hooks, a=replies[0], b=replies[1])
    result, error = outcome_of(asked)
    if result is None:
        assert mode == "enforce"
        assert len(str(error)) <= 2_000
        redirect = getattr(error, "redirect_to", None)
        assert redirect is None or redirect.startswith(("/", "http://", "https://"))
        return
    assert mode == "enforce" or result.changes == {}
    assert result.data["course_id"] == DATA["course_id"]
    assert {**result.data["user"], "first_name": 0, "last_name": 0} == {
        **DATA["user"],
        "first_name": 0,
        "last_name": 0,
    }
    assert set(result.data) <= {*DATA, "expires"}
    for path, kind in ENROLLMENT.changes.items():
        value: Any = result.data
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        if value is not None:
            msgspec.convert(value, kind)
