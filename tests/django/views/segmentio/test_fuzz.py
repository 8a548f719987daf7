"""Whatever is sent, the view answers as the server's source does, and never 500."""

import json
from copy import deepcopy
from io import BytesIO
from typing import Any

import pytest
from django.test import RequestFactory
from hypothesis import HealthCheck, example, given
from hypothesis import settings as tried
from hypothesis import strategies as st

from tests.django.conftest import Emitted
from tests.django.views.segmentio.conftest import PATH
from tests.sources.segment_webhook.requests import SECRET, call, properties, source
from tests.sources.segment_webhook.requests import post as source_post
from trackside.django.views import segmentio_event
from trackside.testing.source_contract import decode

pytestmark = pytest.mark.usefixtures("site")

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["", "10", "edX", "2024-05-06T07:08:09Z", "NaN", "\ud800", "track"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def _places(value: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = [path] if path else []
    if isinstance(value, dict):
        for key, member in value.items():
            found += _places(member, (*path, key))
    return found


ORIGINAL = call(
    properties=properties(
        label="L",
        course_id="course-v1:a+b+c",
        context={
            "course_id": "course-v1:a+b+c",
            "app_name": "n",
            "ip": "1.2.3.4",
            "session": "s",
            "host": "h",
            "application": {"name": "n"},
        },
    ),
    anonymousId="a",
)
PLACES = st.sampled_from(_places(ORIGINAL))


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """Return a call in which some members are something else, or gone."""
    made = deepcopy(ORIGINAL)
    for path in draw(st.lists(PLACES, max_size=3)):
        inside: Any = made
        for key in path[:-1]:
            inside = inside.get(key) if isinstance(inside, dict) else None
        if isinstance(inside, dict):
            if draw(st.booleans()):
                inside[path[-1]] = draw(JSON)
            else:
                inside.pop(path[-1], None)
    return made


BODIES = st.one_of(
    mutated().map(json.dumps).map(str.encode),
    st.lists(mutated() | JSON, max_size=3).map(json.dumps).map(str.encode),
    JSON.map(json.dumps).map(str.encode),
    st.binary(max_size=200),
)


@given(body=BODIES)
@tried(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_any_call(body: bytes, emitted: Emitted) -> None:
    """The view accepts what the source accepts."""
    emitted.clear()
    request = RequestFactory().post(
        f"{PATH}?key={SECRET}", body, content_type="application/json", CONTENT_TYPE="application/json"
    )
    answer = segmentio_event(request)
    decoded = decode(source(), source_post(body))
    assert (answer.status_code, answer.content) == (decoded.reply.status, decoded.reply.body)
    assert [event["name"] for event in emitted] == [event.name for event in decoded.events]


@example(method="POST", query=f"key={SECRET}", head={"CONTENT_LENGTH": "3"})
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "HEAD", "TRACE", "X"]),
    query=st.text(max_size=20) | st.just(f"key={SECRET}"),
    head=st.dictionaries(
        st.sampled_from(["CONTENT_TYPE", "HTTP_X_SIGNATURE", "HTTP_X_FORWARDED_FOR", "CONTENT_LENGTH"]),
        st.text(max_size=20),
    ),
)
@tried(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_any_head(method: str, query: str, head: dict[str, Any], emitted: Emitted) -> None:
    """Nothing in it is an error of ours."""
    # a stream as servers give one: that of the factory fails the test where more is read than there is
    head = {"QUERY_STRING": query, "wsgi.input": BytesIO(b"{}"), **head}
    request = RequestFactory().generic(method, PATH, b"{}", **head)
    assert segmentio_event(request).status_code in {200, 400, 401, 405, 413}
    assert emitted == []
