"""The one reading of a URL."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackside.outbound.url import URL_BYTES, Target, ascii_host, parse_url

WIDE = str.maketrans({chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)} | {".": "\u3002"})


def wide(text: str) -> str:
    """Return `text` in the wide letters and the full stop that Chinese and Japanese keyboards give."""
    return text.translate(WIDE)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "it is neither http nor https"),
        ("example.org", "it is neither http nor https"),
        ("//example.org/", "it is neither http nor https"),
        ("ftp://example.org/", "it is neither http nor https"),
        ("file:///etc/passwd", "it is neither http nor https"),
        ("javascript:alert(1)", "it is neither http nor https"),
        ("https://user@example.org/", "it holds a user name or a password"),
        ("https://user:secret@example.org/", "it holds a user name or a password"),
        ("https://@example.org/", "it holds a user name or a password"),
        ("https://example.org/#a", "it holds a fragment"),
        ("https://example.org/#", "it holds a fragment"),
        ("https://example.org:22/", "its port 22 is not one for HTTP"),
        ("https://example.org:25/", "its port 25 is not one for HTTP"),
        ("https://example.org:0/", "its port 0 is not one for HTTP"),
        ("https://example.org:6000/", "its port 6000 is not one for HTTP"),
        ("https://example.org:99999/", "it is no URL"),
        ("https://example.org:8x/", "it is no URL"),
        (f"https://example.org:{wide('80')}/", "it is no URL"),
        ("https://[::1/", "it is no URL"),
        ("https://example.org/\ud800", "it is no URL"),
        ("https:///x", "its host is no name and no address"),
        ("https://:443/x", "its host is no name and no address"),
        ("https://a..b/", "its host is no name and no address"),
        ("https://-a.org/", "its host is no name and no address"),
        ("https://exa%6dple.org/", "its host is no name and no address"),
        ("https://[fe80::1%25eth0]/", "its host is no name and no address"),
        ("https://[example.org]/", "it is no URL"),
        ("https://2130706433/", "its host is no name and no address"),
        ("https://0x7f.1/", "its host is no name and no address"),
        ("https://0x7f000001/", "its host is no name and no address"),
        ("https://127.1/", "its host is no name and no address"),
        ("https://0177.0.0.1/", "its host is no name and no address"),
        ("https://1.2.3.4.5/", "its host is no name and no address"),
        ("https://faß.de/", "its host is no name and no address"),
        ("https://" + "a" * 64 + ".org/", "its host is no name and no address"),
        ("https://" + "a." * 127 + "org/", "its host is no name and no address"),
        ("https://exa mple.org/", "it holds a space, a backslash or a control character"),
        (" https://example.org/", "it holds a space, a backslash or a control character"),
        ("https://example.org/\r\nX: y", "it holds a space, a backslash or a control character"),
        ("https://example.org/\x00", "it holds a space, a backslash or a control character"),
        ("https://example.org\\@evil.example/", "it holds a space, a backslash or a control character"),
        ("https://example.org/" + "a" * URL_BYTES, "it is longer than 2048 bytes"),
        ("https://example.org/" + "ü" * (URL_BYTES // 2), "it is longer than 2048 bytes"),
    ],
)
def test_what_is_odd_is_refused(url: str, reason: str) -> None:
    assert parse_url(url) == reason


@pytest.mark.parametrize(
    ("url", "scheme", "host", "port", "path", "query"),
    [
        ("https://example.org", "https", "example.org", 443, "/", ""),
        ("HTTP://Example.ORG./a", "http", "example.org", 80, "/a", ""),
        ("https://example.org:8443/a/b?x=1&y=%20", "https", "example.org", 8443, "/a/b", "x=1&y=%20"),
        ("https://example.org?x=1", "https", "example.org", 443, "/", "x=1"),
        ("https://example.org:/", "https", "example.org", 443, "/", ""),
        ("https://bücher.example/ü?ü=ü", "https", "xn--bcher-kva.example", 443, "/%C3%BC", "%C3%BC=%C3%BC"),
        ("https://example.org/%2e%2E/%zz", "https", "example.org", 443, "/%2e%2E/%zz", ""),
        ("https://service_1/x", "https", "service_1", 443, "/x", ""),
        ("https://192.0.2.7/", "https", "192.0.2.7", 443, "/", ""),
        ("https://[2001:DB8:0::1]:8443/", "https", "2001:db8::1", 8443, "/", ""),
    ],
)
def test_the_parts_of_a_good_url(url: str, scheme: str, host: str, port: int, path: str, query: str) -> None:
    target = parse_url(url)
    assert isinstance(target, Target)
    assert (target.scheme, target.host, target.port, target.path, target.query) == (
        *(scheme, host, port, path, query),
    )
    assert (target.address is not None) == (host.startswith("192.") or ":" in host)


def test_letters_that_look_like_ascii_are_read_as_the_network_reads_them() -> None:
    assert ascii_host(wide("EXAMPLE.org")) == "example.org"
    assert ascii_host(wide("127.0.0.1")) == "127.0.0.1"
    assert ascii_host(wide("127.1")) is None


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    for url in (text, f"https://{text}", f"https://example.org/{text}", f"https://example.org:{text}/"):
        target = parse_url(url)
        if isinstance(target, Target):
            assert target.host.isascii()
            assert target.path.startswith("/")
            assert (target.path + target.query).isascii()
            assert not set(target.path + target.query) & set("\r\n \x00")


@given(st.from_regex(r"[a-z0-9.-]{1,30}", fullmatch=True))
def test_the_host_is_the_one_the_standard_library_sees(host: str) -> None:
    target = parse_url(f"https://{host}/x")
    if isinstance(target, Target):
        assert target.host == (urlsplit(f"https://{host}/x").hostname or "").removesuffix(".")
