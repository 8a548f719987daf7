"""The operator's own proxy, by its URL."""

from typing import Literal
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from trackside.errors import ConfigurationError
from trackside.outbound.url import ascii_host, bare_address

_DEFAULT_PORTS = {"http": 80, "https": 443}


class Proxy(Struct, frozen=True, kw_only=True):
    """Where the proxy is, and who we are to it."""

    scheme: Literal["http", "https"]
    host: str
    """In lower case and ASCII, without brackets."""
    port: int
    user: str = ""
    password: str = ""


def parse_proxy(text: str) -> Proxy:
    """Return the parts of a proxy's URL. Raises ConfigurationError, which names nothing of it: it may hold a secret."""
    try:
        parts = urlsplit(text)
        host, port, user, password = parts.hostname, parts.port, parts.username, parts.password
    except ValueError:
        raise _none() from None
    scheme = parts.scheme
    host = _host(parts.netloc, host or "")
    if (
        scheme not in _DEFAULT_PORTS
        or host is None
        or parts.path not in {"", "/"}
        or parts.query
        or parts.fragment
    ):
        raise _none()
    return Proxy(
        scheme="https" if scheme == "https" else "http",
        host=host,
        port=port or _DEFAULT_PORTS[scheme],
        user=unquote(user or ""),
        password=unquote(password or ""),
    )


def _host(netloc: str, hostname: str) -> str | None:
    if netloc.rpartition("@")[2].startswith("["):
        address = bare_address(hostname)
        return None if address is None else str(address)
    return ascii_host(hostname)


def _none() -> ConfigurationError:
    return ConfigurationError(
        "the proxy's URL is none of a proxy; want http://proxy.example.org:3128, with user:password@ as needed"
    )
