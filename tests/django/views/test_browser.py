"""`/event`: what browsers send, in every form they send it in, and what is answered to the rest."""

import json
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth import get_user_model
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse
from django.test import Client, RequestFactory
from hypothesis import HealthCheck, given
from hypothesis import settings as tried
from hypothesis import strategies as st
from pytest_django import Settings

from tests.django.conftest import Emitted, MakeRequest, Somebody
from trackside.django.views import user_track
from trackside.telemetry import catalogue

PAGE = "https://lms.example.org/courses/course-v1:edX+DemoX+2024/courseware/"
SAID = {"event_type": "seq_next", "event": '{"old": 1, "new": 2}', "page": PAGE}
FORM = "application/x-www-form-urlencoded"


def post(body: str | bytes, content_type: str, **extra: Any) -> HttpResponse:
    raw = body.encode() if isinstance(body, str) else body
    return user_track(RequestFactory().generic("POST", "/event", raw, content_type, **extra))


@pytest.mark.parametrize("length", ["x", "-5", "\u00b2", "9" * 5000])
def test_a_length_that_is_no_number_is_refused(length: str, emitted: Emitted) -> None:
    assert post("event_type=a", "text/plain", CONTENT_LENGTH=length).status_code == 400
    assert emitted == []


def check_emitted(emitted: Emitted) -> None:
    (event,) = emitted
    assert event["name"] == "seq_next"
    assert event["data"] == {"old": 1, "new": 2}
    assert event["context"] == {
        "course_id": "course-v1:edX+DemoX+2024",
        "org_id": "edX",
        "enterprise_uuid": "",
        "username": "anonymous",
        "event_source": "browser",
        "page": PAGE,
    }


@pytest.mark.parametrize(
    "response",
    [
        lambda: user_track(RequestFactory().get("/event", SAID)),
        lambda: user_track(RequestFactory().post("/event", SAID)),
        lambda: post(urlencode(SAID), FORM),
        lambda: post(urlencode(SAID), FORM + "; charset=UTF-8"),
        lambda: post(urlencode(SAID), "text/plain;charset=UTF-8"),
        lambda: post(json.dumps(SAID), "application/json"),
        lambda: post(json.dumps(SAID), "text/plain;charset=UTF-8"),
        lambda: post(json.dumps({**SAID, "event": {"old": 1, "new": 2}}), "application/json"),
        lambda: post(" \n" + json.dumps(SAID), ""),
    ],
    ids=[
        "get",
        "multipart",
        "form",
        "form-charset",
        "beacon-params",
        "json",
        "beacon-json",
        "nested",
        "blob",
    ],
)
def test_every_way_a_browser_sends(response: Any, emitted: Emitted) -> None:
    answer = response()
    assert (answer.status_code, answer.content) == (200, b"success")
    check_emitted(emitted)


def test_a_course_key_beats_the_page(emitted: Emitted) -> None:
    user_track(RequestFactory().get("/event", {**SAID, "courserun_key": "course-v1:a+b+c"}))
    assert emitted[0]["context"]["course_id"] == "course-v1:a+b+c"


def test_the_event_is_its_users(emitted: Emitted, make_request: MakeRequest) -> None:
    user_track(make_request("/event", SAID, user=Somebody))
    assert emitted[0]["context"]["username"] == "honor"


DEEP = "[" * 20_000 + "]" * 20_000


@pytest.mark.parametrize(
    ("said", "data"),
    [
        ("5", 5),
        ('"username"', "username"),
        ("[1, 2]", [1, 2]),
        ("null", {}),
        ("", {}),
        ("{}", {}),
        ("no json", "no json"),
        ("{broken", "{broken"),
        ("NaN", "NaN"),
        ('{"a": NaN}', '{"a": NaN}'),
        ('{"a": Infinity}', '{"a": Infinity}'),
        (DEEP, DEEP),
        ("1" * 5_000, "1" * 5_000),
        ("\x00", "\x00"),
        ('{"a": "\\ud800"}', {"a": "\ud800"}),
        ('{"username": 7}', {"username": 7}),
        ('{"username": null}', {"username": None}),
        ('{"username": ["x"]}', {"username": ["x"]}),
        ('{"username": "a\\u0000b"}', {"username": "a\x00b"}),
        ('{"username": "x", "user_id": null}', {"username": "x", "user_id": None}),
        ('{"a": 1, "a": 2}', {"a": 2}),
    ],
)
@pytest.mark.parametrize("name", ["anything", "edx.course.home.resume_course.clicked"])
def test_whatever_the_event_is(said: str, data: object, name: str, emitted: Emitted) -> None:
    """JSON is taken as what it says, everything else as the text it is; nothing is answered 500."""
    response = post(urlencode({"event_type": name, "event": said}), FORM)
    assert response.status_code == 200
    assert [event["data"] for event in emitted] == [data]


@pytest.mark.parametrize(
    ("body", "content_type", "status", "reason"),
    [
        ("{", "application/json", 400, "malformed"),
        ("[]", "application/json", 400, "malformed"),
        ('{"event_type": 7}', "application/json", 400, "malformed"),
        ('{"event_type": ["x"]}', "application/json", 400, "malformed"),
        ('{"event_type": "x", "page": {}}', "application/json", 400, "malformed"),
        ('{"event_type": "x", "courserun_key": 1}', "application/json", 400, "malformed"),
        ('{"event_type": "x", "event": NaN}', "application/json", 400, "malformed"),
        ('{"event": ' + DEEP + "}", "application/json", 400, "malformed"),
        (b'{"event_type": "\xff"}', "application/json", 400, "malformed"),
        ('{"event_type": "' + "x" * 256 + '"}', "application/json", 400, "malformed"),
        ("event=" + "x" * 300_000, FORM, 413, "too_large"),
        ("--b\r\nbroken", "multipart/form-data", 400, "malformed"),
        ("--b\r\nbroken", "multipart/form-data; boundary=" + "b" * 500, 400, "malformed"),
        ("event_type=x", FORM + "; charset=latin-1", 400, "malformed"),
        ("&".join(f"a{n}=1" for n in range(2_000)), FORM, 400, "malformed"),
    ],
)
def test_bad_input_is_answered_and_counted(
    body: str, content_type: str, status: int, reason: str, emitted: Emitted
) -> None:
    before = catalogue.BROWSER_EVENTS_REFUSED.value(reason)
    response = post(body, content_type)
    assert response.status_code == status
    assert response.content
    assert emitted == []
    assert catalogue.BROWSER_EVENTS_REFUSED.value(reason) == before + 1


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"\xff\xfe\x00", "text/plain"),
        (b"\xff\xfe", FORM),
        (b"%%%", FORM),
        (b"", ""),
        (b"", "application/json"),
        (b"event_type=x", "no/such; charset=nonsense"),
        (b"5", "application/json"),
        (b"null", "application/json"),
    ],
)
def test_what_names_no_event_is_unknown(body: bytes, content_type: str, emitted: Emitted) -> None:
    """As it always was: an event without a name is called so, and nobody is told off."""
    assert post(body, content_type).status_code == 200
    assert [event["name"] for event in emitted] == ["x" if b"event_type" in body else "unknown"]


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options", "head"])
def test_other_methods_are_not_allowed(method: str, emitted: Emitted) -> None:
    response = user_track(getattr(RequestFactory(), method)("/event"))
    assert (response.status_code, response["Allow"]) == (405, "GET, POST")
    assert emitted == []


def test_a_body_longer_than_it_said(emitted: Emitted, settings: Settings) -> None:
    """The length is what arrives, also where no header says it."""
    settings.TRACKSIDE = {"browser_events": {"body_bytes": 1_024}}
    request = RequestFactory().post("/event", "event=" + "x" * 2_000, content_type=FORM, CONTENT_LENGTH="")
    request._body = b"x" * 2_000
    assert user_track(request).status_code == 413
    assert emitted == []


class _Gone(BytesIO):
    def read(self, *_: Any) -> bytes:
        raise OSError("the client is gone")


def test_a_body_that_never_arrives(emitted: Emitted) -> None:
    environ = {"REQUEST_METHOD": "POST", "CONTENT_TYPE": FORM, "CONTENT_LENGTH": "10", "wsgi.input": _Gone()}
    assert user_track(WSGIRequest(environ)).status_code == 400
    assert emitted == []


def test_an_allow_list_of_names(emitted: Emitted, settings: Settings) -> None:
    """Others are answered as ever, not emitted, and counted."""
    settings.TRACKSIDE = {"browser_events": {"names": ["edx.ui.*", "seq_next"]}}
    before = catalogue.BROWSER_EVENTS_REFUSED.value("name_not_allowed")
    for name in ("seq_next", "edx.ui.lms.link_clicked", "edx.grades.problem.submitted", ""):
        assert post(urlencode({"event_type": name}), FORM).status_code == 200
    assert [event["name"] for event in emitted] == ["seq_next", "edx.ui.lms.link_clicked"]
    assert catalogue.BROWSER_EVENTS_REFUSED.value("name_not_allowed") == before + 2


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"HTTP_ORIGIN": "http://testserver"}, 200),
        ({"HTTP_ORIGIN": "https://apps.example.org"}, 200),
        ({"HTTP_ORIGIN": "https://a.example.com"}, 200),
        ({"HTTP_SEC_FETCH_SITE": "same-origin"}, 200),
        ({"HTTP_ORIGIN": "http://a.example.com"}, 403),
        ({"HTTP_ORIGIN": "https://evil.org"}, 403),
        ({"HTTP_ORIGIN": "https://evil.org/.example.com.evil"}, 403),
        ({"HTTP_ORIGIN": "https://testserver.evil.org"}, 403),
        ({"HTTP_ORIGIN": "null"}, 403),
        ({"HTTP_ORIGIN": "http://["}, 403),
        ({"HTTP_SEC_FETCH_SITE": "cross-site"}, 403),
        ({"HTTP_ORIGIN": "http://testserver", "HTTP_HOST": "evil.org"}, 400),
    ],
)
def test_what_another_site_makes_a_browser_send_is_refused(
    headers: dict[str, str], status: int, emitted: Emitted, settings: Settings
) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://apps.example.org", "https://*.example.com"]
    assert post(urlencode(SAID), FORM, **headers).status_code == status
    assert len(emitted) == (status == 200)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=10), inner, max_size=3)
    ),
    max_leaves=10,
)
MEMBERS = st.dictionaries(st.sampled_from(["event_type", "event", "page", "courserun_key", "x"]), JSON)
BODIES = st.one_of(
    st.binary(max_size=300),
    MEMBERS.map(lambda members: json.dumps(members).encode()),
    MEMBERS.map(
        lambda members: urlencode({key: json.dumps(value) for key, value in members.items()}).encode()
    ),
)
TYPES = st.one_of(
    st.sampled_from([FORM, "application/json", "text/plain", "multipart/form-data; boundary=b", ""]),
    st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"]), max_size=30),
)


@tried(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(BODIES, TYPES, st.sampled_from(["GET", "POST"]))
def test_no_request_is_answered_500(emitted: Emitted, body: bytes, kind: str, method: str) -> None:
    """Each is an event or is refused; nothing is raised."""
    emitted.clear()
    request = RequestFactory().generic(method, "/event", body, kind)
    request.META["QUERY_STRING"] = body.decode("latin-1") if method == "GET" else ""
    status = user_track(request).status_code
    assert (status, len(emitted)) in {(200, 1), (400, 0)}


@pytest.mark.django_db
def test_the_user_an_event_names_gets_an_id(emitted: Emitted) -> None:
    """Where it names one that exists, and has no id."""
    somebody = get_user_model().objects.create_user("honor")
    for data in ({"username": "honor"}, {"username": "nobody"}, {"username": "honor", "user_id": 1}):
        post(urlencode({"event_type": "x", "event": json.dumps(data)}), FORM)
    assert [event["data"] for event in emitted] == [
        {"username": "honor", "user_id": somebody.pk},
        {"username": "nobody"},
        {"username": "honor", "user_id": 1},
    ]


def test_ones_own_id_takes_no_query(emitted: Emitted, make_request: MakeRequest) -> None:
    user_track(make_request("/event", {"event_type": "x", "event": '{"username": "honor"}'}, user=Somebody))
    assert emitted[0]["data"] == {"username": "honor", "user_id": 7}


def test_without_a_database_the_event_stays_without_id(emitted: Emitted) -> None:
    """(No database may be used in this test.)"""
    post(urlencode({"event_type": "x", "event": '{"username": "honor"}'}), FORM)
    assert emitted[0]["data"] == {"username": "honor"}


@pytest.mark.django_db
@pytest.mark.urls("trackside.django.urls")
def test_through_the_whole_of_django(emitted: Emitted, settings: Settings) -> None:
    """With the middleware, and with CSRF checks that a beacon cannot pass."""
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "trackside.django.middleware.TrackMiddleware"]
    settings.ALLOWED_HOSTS = ["testserver"]
    client = Client(enforce_csrf_checks=True)
    response = client.post("/event", json.dumps(SAID), content_type="text/plain", headers={"user-agent": "x"})
    assert response.content == b"success"
    (event,) = emitted
    context = event["context"]
    assert (context["path"], context["agent"], context["event_source"]) == ("/event", "x", "browser")
    assert context["course_id"] == "course-v1:edX+DemoX+2024"
