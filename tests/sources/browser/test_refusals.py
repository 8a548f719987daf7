"""What is no event is answered, and kept as a reject."""

import pytest

from tests.sources.browser.requests import (
    FORM,
    PLAIN,
    SAID,
    accepted,
    decode,
    get,
    make_source,
    multipart,
    post,
    refused,
)
from trackside.sources.base import Request
from trackside.sources.browser.source import REJECT_BYTES
from trackside.testing.source_contract import request_of

JSON = b"application/json"
DEEP = "[" * 20_000 + "]" * 20_000
MULTIPART = b"multipart/form-data; boundary=b"


@pytest.mark.parametrize(
    ("body", "content_type", "status", "reason"),
    [
        ("{", JSON, 400, "malformed"),
        ("[]", JSON, 400, "malformed"),
        ('{"event_type": 7}', JSON, 400, "malformed"),
        ('{"event_type": ["x"]}', JSON, 400, "malformed"),
        ('{"event_type": "x", "page": {}}', JSON, 400, "malformed"),
        ('{"event_type": "x", "courserun_key": 1}', JSON, 400, "malformed"),
        ('{"event_type": "x", "event": NaN}', JSON, 400, "malformed"),
        ('{"event": ' + DEEP + "}", JSON, 400, "malformed"),
        ('{"event": ' + "9" * 5_000 + "}", JSON, 400, "malformed"),
        (b'{"event_type": "\xff"}', JSON, 400, "malformed"),
        (b'{"event": "\xff"}', JSON, 400, "malformed"),
        ('{"event_type": "' + "x" * 256 + '"}', JSON, 400, "malformed"),
        ("event_type=" + "x" * 256, FORM, 400, "malformed"),
        ("event=" + "x" * 300_000, FORM, 413, "too_large"),
        ("event_type=x", FORM + b"; charset=latin-1", 400, "malformed"),
        ("&".join(f"a{n}=1" for n in range(2_000)), FORM, 400, "malformed"),
        ("--b\r\nbroken", b"multipart/form-data", 400, "malformed"),
        ("--b\r\nbroken", b"multipart/form-data; boundary=" + b"b" * 500, 400, "malformed"),
        ("--b\r\nbroken", MULTIPART, 400, "malformed"),
        (b"", MULTIPART, 400, "malformed"),
        (multipart(SAID, "other"), MULTIPART, 400, "malformed"),
        (multipart(SAID, "b")[:-6], MULTIPART, 400, "malformed"),
        (multipart({f"a{n}": "" for n in range(1_100)}, "b"), MULTIPART, 400, "malformed"),
    ],
)
def test_bad_input(body: str | bytes, content_type: bytes, status: int, reason: str) -> None:
    answered, reject = refused(post(body, content_type))
    assert (answered, reject.reason, reject.source) == (status, reason, "web")
    assert reject.body == (body.encode() if isinstance(body, str) else body)[:REJECT_BYTES]


def test_a_query_that_is_no_event() -> None:
    status, reject = refused(get(b"event_type=" + b"x" * 300))
    assert (status, reject.body[:13]) == (400, b"event_type=xx")


def test_the_answer_to_a_page_can_be_read_by_it() -> None:
    request = post("{", PLAIN, {b"origin": b"https://a.example.org"})
    decoded = decode(request, make_source(origins=("https://a.example.org",)))
    assert decoded.reply.status == 400
    assert (b"access-control-allow-origin", b"https://a.example.org") in decoded.reply.headers


def test_half_a_pair_in_a_body_of_json() -> None:
    """Wherever it stands, it is repaired."""
    body = '{"event_type": "a\\ud800", "page": "\\udfff", "event": {"\\ud800": "\\ud800"}}'
    event = accepted(post(body, PLAIN))
    assert (event.name, event.decoded_context()["page"]) == ("a\ufffd", "\ufffd")
    assert event.decoded_data() == {"\ufffd": "\ufffd"}


def test_files_in_a_form_are_left_out() -> None:
    body = multipart(SAID, "b").replace(
        b"--b--",
        b'--b\r\nContent-Disposition: form-data; name="event_type"; filename="x"\r\n\r\nfile\r\n'
        b'--b\r\ncontent-type: text/plain\r\nCONTENT-DISPOSITION: form-data; name="page"\r\n\r\na--b\r\nb\r\n'
        b"--b\r\nno head\r\n--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--",
    )
    event = accepted(post(body, MULTIPART))
    assert event.name == "seq_next"
    assert event.decoded_context()["page"] == "a--b\r\nb"


HOST = {b"host": b"events.example.org"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({b"origin": b"http://events.example.org"}, 200),
        ({b"origin": b"https://events.example.org"}, 200),
        ({b"origin": b"https://public.example.org:8443"}, 200),
        ({b"origin": b"https://apps.example.org"}, 200),
        ({b"origin": b"https://a.example.com"}, 200),
        ({b"sec-fetch-site": b"same-origin"}, 200),
        ({b"sec-fetch-site": b"same-site"}, 200),
        ({b"sec-fetch-site": b"none"}, 200),
        ({b"origin": b"http://a.example.com"}, 403),
        ({b"origin": b"https://evil.org"}, 403),
        ({b"origin": b"https://evil.org/.example.com.evil"}, 403),
        ({b"origin": b"https://events.example.org.evil.org"}, 403),
        ({b"origin": b"null"}, 403),
        ({b"origin": b"http://["}, 403),
        ({b"origin": b"https://"}, 403),
        ({b"sec-fetch-site": b"cross-site"}, 403),
        ({b"origin": b"null", b"host": b""}, 403),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_what_another_site_makes_a_browser_send(
    headers: dict[bytes, bytes], status: int, method: str
) -> None:
    """It is neither read nor kept, only counted; a preflight is told no as well."""
    source = make_source(
        origins=("https://apps.example.org", "https://*.example.com"),
        public_url="https://public.example.org:8443",
    )
    request = request_of(method, "/event", b"event_type=x", {**HOST, **headers}, query=b"event_type=x")
    decoded = decode(request, source)
    assert decoded.reply.status == (204 if status == 200 and method == "OPTIONS" else status)
    assert decoded.ignored == (() if status == 200 else ("origin_not_allowed",))
    assert len(decoded.events) == (status == 200 and method != "OPTIONS")
    if status == 200 and (origin := headers.get(b"origin")):
        assert (b"access-control-allow-origin", origin) in decoded.reply.headers
        assert (b"access-control-allow-credentials", b"true") in decoded.reply.headers


@pytest.mark.parametrize("headers", [{b"origin": b"null"}, {b"sec-fetch-site": b"cross-site"}, {}])
def test_every_site_may_send_where_that_is_said(headers: dict[bytes, bytes]) -> None:
    assert accepted(get(b"event_type=x", headers), make_source(origins=("*",))).name == "x"


def request_with_length(size: int) -> Request:
    return post("event_type=x&page=" + "x" * (size - 18))


def test_the_limit_of_the_body() -> None:
    source = make_source(body_bytes=1_024)
    assert accepted(request_with_length(1_024), source).name == "x"
    status, reject = refused(request_with_length(1_025), source)
    assert (status, reject.detail) == (413, "the body has 1025 bytes; want at most 1024")
