"""The client's address and scheme: only trusted proxies are believed."""

import pytest

from trackside.errors import ConfigurationError
from trackside.server.client import ClientAddress

TRUSTED = ("127.0.0.1", "10.0.0.0/8", "fd00::/8")


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("203.0.113.7", None, "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),
        ("127.0.0.1", None, "127.0.0.1"),
        ("127.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "6.6.6.6, 198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "6.6.6.6, 198.51.100.1, 10.1.2.3", "198.51.100.1"),
        ("::ffff:127.0.0.1", "198.51.100.1:4711", "198.51.100.1"),
        ("fd00::1", "[2001:db8::5]:99", "2001:db8::5"),
        ("127.0.0.1", "10.1.2.3, 10.2.3.4", "10.1.2.3"),
        ("127.0.0.1", "junk, 10.2.3.4", "10.2.3.4"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "\xff", "127.0.0.1"),
    ],
)
def test_the_nearest_address_that_is_no_proxy(peer: str, forwarded: str | None, expected: str) -> None:
    """The list is read from its end, as far as proxies are trusted."""
    headers = {} if forwarded is None else {b"x-forwarded-for": forwarded.encode("latin-1")}
    assert ClientAddress(TRUSTED).ip(peer, headers) == expected


def test_a_peer_without_an_address() -> None:
    """A Unix socket has none."""
    assert ClientAddress(TRUSTED).ip(None, {b"x-forwarded-for": b"1.2.3.4"}) is None


@pytest.mark.parametrize(
    ("peer", "proto", "expected"),
    [
        ("127.0.0.1", b"https", "https"),
        ("127.0.0.1", b"HTTPS, http", "https"),
        ("127.0.0.1", b"gopher", "http"),
        ("203.0.113.7", b"https", "http"),
    ],
)
def test_the_scheme(peer: str, proto: bytes, expected: str) -> None:
    """A trusted proxy says how the client reached it."""
    assert ClientAddress(TRUSTED).scheme(peer, "http", {b"x-forwarded-proto": proto}) == expected


def test_a_wrong_network_is_named() -> None:
    """A proxy that is no address is a mistake in the configuration."""
    with pytest.raises(ConfigurationError, match=r"trusted_proxies has 'proxy\.local'"):
        ClientAddress(["proxy.local"])
