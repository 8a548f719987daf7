"""The one place that chooses between the two clients."""

import os
import select
from collections.abc import Callable
from importlib import import_module
from typing import Final

from trackside.errors import ConfigurationError
from trackside.outbound.base import KEPT_IDLE_S, USER_AGENT, LeasedClient
from trackside.outbound.names import Lookup, system_lookup
from trackside.outbound.policy import AddressPolicy
from trackside.outbound.tls import MACHINE_S, TlsFiles

VARIABLE: Final = "TRACKSIDE_HTTP_CLIENT"
NEEDED: Final = ("PREREQFUNCTION", "RESOLVER_START_FUNCTION", "HTTP09_ALLOWED", "MAXAGE_CONN")
"""What older ones do not have, as those of distributions."""
CURL, AIOHTTP = "curl", "aiohttp"


def client_kind() -> str:
    """Return which client is used: curl where it can be, or what `TRACKSIDE_HTTP_CLIENT` says.

    Raises ConfigurationError where that says curl and it cannot be used, or something else than the two.
    """
    wanted = os.environ.get(VARIABLE, "")
    has_curl = _has_curl()
    if wanted == CURL and not has_curl:
        raise ConfigurationError(
            f"{VARIABLE} is curl, which needs Linux, pycurl 7.49 and no gevent; install trackside[curl], or"
            " leave it out"
        )
    if wanted not in {"", CURL, AIOHTTP}:
        raise ConfigurationError(f"{VARIABLE} is {wanted!r}; want curl or aiohttp")
    return wanted or (CURL if has_curl else AIOHTTP)


def _has_curl() -> bool:
    # gevent takes epoll away, as it would hold up its other greenlets
    if not hasattr(select, "epoll"):
        return False
    try:
        pycurl = import_module("pycurl")
    except ImportError:  # also where libcurl is of another build
        return False
    return all(hasattr(pycurl, option) for option in NEEDED)


def client_class() -> Callable[..., LeasedClient]:
    """Return the class of the clients that are used here. Raises ConfigurationError."""
    # each is slow to import, and not part of the base install
    if client_kind() == CURL:
        from trackside.outbound.curl.client import CurlClient

        return CurlClient
    from trackside.outbound.client import HttpClient

    return HttpClient


def open_client(
    *,
    policy: AddressPolicy | None = None,
    tls: TlsFiles = MACHINE_S,
    proxy: str = "",
    keepalive_s: float = KEPT_IDLE_S,
    user_agent: str = USER_AGENT,
    lookup: Lookup = system_lookup,
    http2: bool = True,
) -> LeasedClient:
    """Return a client of the kind that is used here. Raises ConfigurationError."""
    return client_class()(
        policy=policy,
        tls=tls,
        proxy=proxy,
        keepalive_s=keepalive_s,
        user_agent=user_agent,
        lookup=lookup,
        http2=http2,
    )
