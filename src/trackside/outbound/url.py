"""The one reading of a URL that a request may go to: what is odd is refused, not repaired.

Two parsers that disagree are how address rules are walked around; so the client builds its requests from these
parts and parses no text itself.
"""

import re
from collections.abc import Set as AbstractSet
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final, Literal
from urllib.parse import quote, urlsplit

from msgspec import Struct

URL_BYTES: Final = 2_048
LOWEST_OTHER_PORT: Final = 1_024
SPOKEN_BY_OTHERS: Final = frozenset(
    {1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6679, 6697, 10080, *range(6665, 6670)}
)
"""Ports of other protocols that an HTTP request could be smuggled to. Source: WHATWG Fetch, bad ports, 2026."""
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_CONTROL_OR_SPACE: Final = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029\\]")
_IDNA_DIFFERS: Final = frozenset("ßς\u200c\u200d")
"""Letters that two versions of IDNA send to different places."""
_KEPT: Final = "!$%&'()*+,-./:;=?@_~[]|^`{}\"<>#"


class Target(Struct, frozen=True, kw_only=True):
    """Where a request goes."""

    scheme: Literal["http", "https"]
    host: str
    """In lower case and ASCII, without brackets."""
    port: int
    path: str
    """From its first slash, percent-encoded where it was not ASCII."""
    query: str
    address: IPv4Address | IPv6Address | None = None
    """Set where the host is written as an address."""


def parse_url(url: str, *, ports: AbstractSet[int] | None = None) -> Target | str:
    """Return the parts of `url`, or in a few words why it is none to send to."""
    if len(url.encode(errors="replace")) > URL_BYTES:
        return f"it is longer than {URL_BYTES} bytes"
    if _CONTROL_OR_SPACE.search(url):
        return "it holds a space, a backslash or a control character"
    try:
        parts = urlsplit(url)
        port = parts.port
        url.encode()
    except ValueError:
        return "it is no URL"
    scheme = parts.scheme
    if scheme not in {"http", "https"}:
        return "it is neither http nor https"
    if "@" in parts.netloc:
        return "it holds a user name or a password"
    if "#" in url:
        return "it holds a fragment"
    host = _bare_host(parts.netloc, parts.hostname or "")
    if host is None:
        return "its host is no name and no address"
    if port is None:
        port = _DEFAULT_PORTS[scheme]
    if not _port_is_good(port, ports):
        return f"its port {port} is not one for HTTP"
    return Target(
        scheme="https" if scheme == "https" else "http",
        host=host,
        port=port,
        path=quote(parts.path or "/", safe=_KEPT),
        query=quote(parts.query, safe=_KEPT),
        address=bare_address(host),
    )


def ascii_host(host: str) -> str | None:
    """Return a host's name in lower case and ASCII, or None where it is none.

    An address is good only in its usual form: `127.1`, `0x7f.1` and `2130706433` are none.
    """
    if _IDNA_DIFFERS.intersection(host):
        return None
    try:
        host = host.encode("idna").decode().lower().removesuffix(".")
    except UnicodeError:
        return None
    labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        return None
    if _NUMBER.fullmatch(labels[-1]) and not isinstance(bare_address(host), IPv4Address):
        return None
    return host


def _bare_host(netloc: str, hostname: str) -> str | None:
    if netloc.startswith("["):
        address = bare_address(hostname)
        return str(address) if isinstance(address, IPv6Address) and not address.scope_id else None
    return ascii_host(hostname)


def bare_address(host: str) -> IPv4Address | IPv6Address | None:
    """Return the address that `host` is, without brackets, or None where it is a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def _port_is_good(port: int, ports: AbstractSet[int] | None) -> bool:
    if ports is not None:
        return port in ports
    if port < LOWEST_OTHER_PORT:
        return port in _DEFAULT_PORTS.values()
    return port not in SPOKEN_BY_OTHERS
