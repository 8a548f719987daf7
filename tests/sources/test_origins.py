"""Whose pages may send."""

import pytest

from trackside.sources.base import Reply
from trackside.sources.origins import Answers, Origins, check_origins, preflight
from trackside.testing.source_contract import request_of

LISTED = (
    "https://apps.example.org",
    "https://*.Example.com",
    "capacitor://localhost",
    "http://127.0.0.1:8000",
)


@pytest.mark.parametrize(
    ("origin", "has"),
    [
        ("https://apps.example.org", True),
        ("https://a.example.com", True),
        ("https://a.b.example.com", True),
        ("capacitor://localhost", True),
        ("http://127.0.0.1:8000", True),
        ("http://127.0.0.1:8001", False),
        ("http://apps.example.org", False),
        ("https://apps.example.org:8443", False),
        ("https://example.com", False),
        ("http://a.example.com", False),
        ("https://a.example.com.evil.org", False),
        ("https://evilexample.com", False),
        ("null", False),
        ("", False),
        ("*", False),
    ],
)
def test_what_is_listed(origin: str, has: bool) -> None:
    origins = Origins(LISTED)
    assert [origins.has(origin.encode()) for _ in range(2)] == [has, has]


def test_any() -> None:
    assert Origins(["*"]).has(b"null")
    assert not Origins([]).has(b"https://apps.example.org")


def test_what_is_remembered_does_not_grow() -> None:
    origins = Origins(LISTED)
    answers = Answers(Reply(status=200), origins)
    for number in range(2_500):
        origin = b"https://a%d.example.com" % number
        assert origins.has(origin)
        answers.to(origin)
    assert len(origins._known) <= 1_000
    assert len(answers._known) <= 1_000


def test_a_listed_origin_is_named_and_may_send_cookies() -> None:
    """`navigator.sendBeacon` always sends them."""
    origins = Origins(LISTED)
    answers = Answers(Reply(status=200, body=b"x"), origins)
    named = answers.to(b"https://a.example.com")
    assert (b"access-control-allow-origin", b"https://a.example.com") in named.headers
    assert (b"access-control-allow-credentials", b"true") in named.headers
    assert named is answers.to(b"https://a.example.com")
    assert answers.to(b"").headers == ()
    asked = preflight(request_of("OPTIONS", "/", headers={b"origin": b"https://a.example.com"}), origins)
    assert (asked.status, asked.body) == (204, b"")
    assert (b"access-control-allow-credentials", b"true") in asked.headers


def test_where_all_may_send_none_is_named() -> None:
    """Nobody's cookies are asked for."""
    answers = Answers(Reply(status=200), Origins(["*"]))
    headers = dict(answers.to(b"https://a.example.com").headers)
    assert headers[b"access-control-allow-origin"] == b"*"
    assert b"access-control-allow-credentials" not in headers


@pytest.mark.parametrize("good", ["*", *LISTED, "https://[::1]:8000"])
def test_good_settings(good: str) -> None:
    check_origins([good])


@pytest.mark.parametrize(
    "bad",
    [
        *("", "apps.example.org", "https://", "https://a.org/", "https://a.org/x", "https://*", "https://*."),
        *("https://a.*.org", "https://a org", "null", "https://*evil.org"),
    ],
)
def test_bad_settings(bad: str) -> None:
    with pytest.raises(ValueError, match="want https://apps"):
        check_origins([bad])
