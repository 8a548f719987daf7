"""Responses that answers give instead of pages."""

from typing import Any

import msgspec
import pytest

from trackside.openedx.filters.headers import check_header
from trackside.openedx.filters.responses import CustomResponse, response_from
from trackside.webfilters.points import Unfit


def made(message: str = "No", *, trusted_html: bool = False, **fields: Any) -> Any:
    """Return the response of what an exception says, read as answers are."""
    kinds = {"response": str | CustomResponse | None}
    read = {
        name: msgspec.convert(value, kinds[name]) if name in kinds else value
        for name, value in fields.items()
    }
    return response_from(message, read, trusted_html=trusted_html)


def test_a_page() -> None:
    """HTML, shut off from the platform: it runs no script, and is of no site."""
    response = made(content="<h1>Closed</h1>", status=451, reason="For legal reasons")
    assert (response.status_code, response.reason_phrase) == (451, "For legal reasons")
    assert response.content == b"<h1>Closed</h1>"
    assert response["Content-Type"] == "text/html; charset=utf-8"
    assert response["X-Content-Type-Options"] == "nosniff"
    policy = response["Content-Security-Policy"]
    assert policy.startswith("sandbox")
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy


def test_a_page_that_is_trusted() -> None:
    """Where the operator trusts receivers, theirs are pages like all others."""
    assert "Content-Security-Policy" not in made(content="<h1>Closed</h1>", trusted_html=True)


@pytest.mark.parametrize(
    ("fields", "text", "kind", "status"),
    [
        ({}, b"No", "text/plain; charset=utf-8", 403),
        ({"response": "Only text"}, b"Only text", "text/plain; charset=utf-8", 200),
        (
            {"response": {"content": "{}", "content_type": "application/json"}},
            b"{}",
            "application/json; charset=utf-8",
            200,
        ),
        (
            {"content": "a", "content_type": "text/plain; charset=UTF-8"},
            b"a",
            "text/plain; charset=utf-8",
            200,
        ),
    ],
)
def test_forms(fields: dict[str, Any], text: bytes, kind: str, status: int) -> None:
    """As a text, as an object of its own, or as fields beside the message; without any of it the message is shown."""
    response = made(**fields)
    assert (response.content, response["Content-Type"], response.status_code) == (text, kind, status)


def test_nothing_to_show() -> None:
    """A status that has no content has none."""
    assert made(status=204, content="x").content == b""


def test_a_redirect() -> None:
    """It leads to http, https or a path."""
    assert made(status=302, headers={"Location": "/elsewhere"})["Location"] == "/elsewhere"
    for status, url in ((302, "javascript:alert(1)"), (302, "//elsewhere"), (200, "/elsewhere")):
        with pytest.raises(Unfit):
            made(status=status, headers={"Location": url})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Set-Cookie", "a=b"),
        ("X-Accel-Redirect", "/protected"),
        ("X-Sendfile", "/etc/passwd"),
        ("X-Frame-Options", "ALLOWALL"),
        ("Access-Control-Allow-Origin", "*"),
        ("Content-Security-Policy", ""),
        ("Link", "<https://x.example.org/x.css>; rel=stylesheet"),
        ("Cache-Control", "a\r\nSet-Cookie: b"),
        ("Cache-Control", "ü"),
        ("Cache-Control", "a" * 1_001),
        ("X-Webfilter-", ""),
        ("Cache-Control", "public, max-age=31536000"),
        ("cache-control", "private, s-maxage=60"),
        ("Cache-Control", "max-age=60"),
        ("Cache-Control", ""),
        ("Expires", "Thu, 01 Dec 2044 16:00:00 GMT"),
    ],
)
def test_headers_that_may_not_be(name: str, value: str) -> None:
    """Those that give rights away, make a proxy send files or keep the page for others, or carry other headers."""
    with pytest.raises(Unfit):
        check_header(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, "no-store") for name in ("Cache-Control", "vary", "X-Robots-Tag", "X-Webfilter-Reason")),
        ("Cache-Control", "private, max-age=60"),
        ("Expires", "0"),
        ("X-Webfilter", "why"),
    ],
)
def test_headers_that_may_be(name: str, value: str) -> None:
    """Those that say how long, for whom and why."""
    check_header(name, value)


@pytest.mark.parametrize(
    "said",
    [
        {"status": 99},
        {"status": 600},
        {"status": "200"},
        {"content_type": "text/javascript"},
        {"content_type": "text/html; charset=utf-7"},
        {"content_type": "image/svg+xml"},
        {"content": 5},
        {"cookies": {}},
        {"reason": "a\r\nb"},
        {"headers": ["a"]},
    ],
)
def test_what_cannot_be_a_response(said: dict[str, Any]) -> None:
    """It is refused by its types."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(said, CustomResponse)
