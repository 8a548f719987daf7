"""The parameters of a request as an event: valid JSON, bounded, without secrets, taking nothing from the view."""

import json
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, QueryDict, RawPostDataException
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from trackside.django.request_event import bounded_json, form_fields, is_secret, request_payload
from trackside.django.settings.declared import REDACTED_NAMES

FORM = "application/x-www-form-urlencoded"


def form(body: str, **extra: Any) -> HttpRequest:
    return RequestFactory().post("/user_api/password/", body, content_type=FORM, **extra)


def test_the_text_is_that_of_json_dumps() -> None:
    """Analysts parse it: values are lists, a redacted one is eight asterisks."""
    request = form("password=x&email=a%40b.c&email=d")
    request.META["QUERY_STRING"] = "next=/x"
    expected = {"GET": {"next": ["/x"]}, "POST": {"password": "********", "email": ["a@b.c", "d"]}}
    assert request_payload(request) == json.dumps(expected)


@pytest.mark.parametrize(
    "name",
    [
        "password", "newpassword", "new_password", "oldpassword", "old_password", "new_password1",
        "new_password2", "new_password3", "passwordConfirm", "PASSWORD", "user[password]", "passwd",
        "passphrase", "token", "csrfmiddlewaretoken", "access_token", "api_key", "apikey", "client_secret",
        "authorization", "otp", "cvv", "card_number", "api-key", "X-Api-Key", "card-number", "pwd",
    ],
)  # fmt: skip
def test_secrets_are_redacted(name: str) -> None:
    payload = request_payload(RequestFactory().post("/x", f"{name}=hunter2", content_type=FORM))
    assert "hunter2" not in payload
    assert json.loads(payload)["POST"] == {name: "********"}


@pytest.mark.parametrize("name", ["email", "course_id", "page", "compass", "pinned", "keyword"])
def test_what_is_no_secret_is_shown(name: str) -> None:
    assert not is_secret(name, REDACTED_NAMES)


def test_names_of_secrets_are_a_setting(settings: Settings) -> None:
    """Also with flags that cannot stand in the middle of a pattern."""
    settings.TRACKSIDE = {"requests": {"redact": ["^code$", "(?i)^mail"]}}
    shown = json.loads(request_payload(form("code=1&Mail=2&token=3")))
    assert shown["POST"] == {"code": "********", "Mail": "********", "token": ["3"]}
    settings.TRACKSIDE = {"requests": {"redact": []}}
    assert json.loads(request_payload(form("code=1")))["POST"] == {"code": ["1"]}


def test_a_long_payload_stays_json() -> None:
    """Long values are cut first, then parameters left out."""
    text = request_payload(form("a=1&long=" + "x" * 5_000 + "&b=2"))
    assert len(text) <= 512
    found = json.loads(text)
    assert found["truncated"] is True
    assert found["POST"]["a"] == ["1"]
    assert found["POST"]["b"] == ["2"]
    assert found["POST"]["long"] == ["x" * 64 + "..."]


def test_many_parameters_are_told_in_part() -> None:
    text = request_payload(form("&".join(f"p{n}=v" for n in range(900))))
    found = json.loads(text)
    assert len(text) <= 512
    assert found["truncated"] is True
    assert found["POST"]["p0"] == ["v"]


@given(
    st.one_of(
        st.text(), st.binary().map(lambda raw: raw.decode("latin-1")), st.text("ab=&%+é4\u20ac", max_size=30)
    )
)
def test_fields_are_those_that_django_reads(text: str) -> None:
    """Of a query as a WSGI server hands it over, bytes as characters."""
    wsgi = text.encode().decode("latin-1") if not text.isascii() else text
    expected = dict(QueryDict(wsgi.encode("latin-1")).lists())
    assert form_fields(wsgi, 1_000) == expected


PARAMETERS = st.dictionaries(
    st.text(max_size=100), st.one_of(st.just("********"), st.lists(st.text(max_size=200), max_size=12))
)


@given(PARAMETERS, PARAMETERS, st.integers(64, 2_000))
def test_every_payload_is_json_within_its_limit(get: Any, post: Any, limit: int) -> None:
    text = bounded_json({"GET": get, "POST": post}, limit)
    found = json.loads(text)
    assert len(text) <= limit
    assert found == {"GET": get, "POST": post} or found["truncated"] is True


def test_a_form_stays_readable_for_the_view() -> None:
    request = form("a=1")
    request_payload(request)
    assert request.body == b"a=1"
    assert request.POST["a"] == "1"


def test_json_bodies_are_not_looked_at() -> None:
    request = RequestFactory().post("/x", {"password": "x"}, content_type="application/json")
    assert json.loads(request_payload(request)) == {"GET": {}, "POST": {}}
    assert json.loads(request.body) == {"password": "x"}


def _upload() -> HttpRequest:
    return RequestFactory().post("/x", {"a": "1", "file": SimpleUploadedFile("f", b"content")})


def test_a_form_with_files_is_left_to_the_view(settings: Settings) -> None:
    """Unless a setting asks for it; what a view or another middleware has read already is shown."""
    request = _upload()
    assert json.loads(request_payload(request))["POST"] == {}
    assert b"content" in request.body
    assert json.loads(request_payload(request))["POST"] == {}
    read = _upload()
    assert read.POST["a"] == "1"
    assert json.loads(request_payload(read))["POST"] == {"a": ["1"]}
    settings.TRACKSIDE = {"requests": {"multipart": True}}
    request = _upload()
    assert json.loads(request_payload(request))["POST"] == {"a": ["1"]}
    with pytest.raises(RawPostDataException):
        _ = request.body


def test_a_body_that_is_too_large_is_refused_by_whoever_reads_it_next(settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    request = form("a=" + "1" * 100)
    assert json.loads(request_payload(request))["POST"] == {}
    from django.core.exceptions import RequestDataTooBig

    with pytest.raises(RequestDataTooBig):
        _ = request.POST


class _Gone(BytesIO):
    def read(self, *_: Any) -> bytes:
        raise OSError("the client is gone")


def test_a_body_that_never_arrives_costs_nothing() -> None:
    request = WSGIRequest(
        {"REQUEST_METHOD": "POST", "CONTENT_TYPE": FORM, "CONTENT_LENGTH": "10", "wsgi.input": _Gone()}
    )
    assert json.loads(request_payload(request)) == {"GET": {}, "POST": {}}


def test_a_stream_that_was_read_costs_nothing() -> None:
    request = form("a=1")
    request.read(1)
    assert json.loads(request_payload(request))["POST"] == {}


def test_a_charset_that_django_refuses_costs_nothing() -> None:
    request = RequestFactory().generic("POST", "/x", b"a=1", FORM + "; charset=latin-1")
    assert json.loads(request_payload(request))["POST"] == {"a": ["1"]}
