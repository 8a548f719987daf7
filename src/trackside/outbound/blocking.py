"""The client for callers who wait in a thread, without an event loop."""

import select
from collections.abc import Sequence
from typing import Protocol

from trackside.outbound.base import KEPT_IDLE_S, USER_AGENT, Answer, Failed, Outgoing
from trackside.outbound.names import Lookup, system_lookup
from trackside.outbound.opening import CURL, client_kind
from trackside.outbound.policy import AddressPolicy
from trackside.outbound.tls import MACHINE_S, TlsFiles


class _Asks(Protocol):
    @property
    def second_tries(self) -> int: ...

    def ask(self, requests: Sequence[Outgoing], *, budget_s: float) -> list[Answer | Failed]: ...

    def close(self) -> None: ...


class BlockingClient:
    """Sends requests side by side and waits for all of them; its settings and promises are those of the other clients.

    Any thread may use it, also after a fork: each keeps its own connections, which end with it. With pycurl all
    happens in the calling thread; without, and under gevent, on an event loop in a thread of its own, so that other
    greenlets go on meanwhile.
    """

    def __init__(
        self,
        *,
        policy: AddressPolicy | None = None,
        tls: TlsFiles = MACHINE_S,
        proxy: str = "",
        keepalive_s: float = KEPT_IDLE_S,
        user_agent: str = USER_AGENT,
        lookup: Lookup = system_lookup,
    ) -> None:
        """Raises ConfigurationError for a proxy's URL that is none, and for files of TLS that cannot be used."""
        self._settings = policy or AddressPolicy(), tls, proxy, keepalive_s, user_agent, lookup
        self._is_curl = client_kind() == CURL
        self._asks = (_curl if self._is_curl else _aiohttp)(*self._settings)

    @property
    def second_tries(self) -> int:
        """How many requests went out again because a kept connection had been closed from the other side."""
        return self._asks.second_tries

    def ask(self, requests: Sequence[Outgoing], *, budget_s: float) -> list[Answer | Failed]:
        """Return what came back for each request, in their order.

        Each ends after its own `timeout_s`, and all of them after `budget_s`.
        """
        if self._is_curl and not hasattr(select, "epoll"):
            # gevent came after us, as in a worker of gunicorn whose project was loaded before the fork
            self._is_curl, self._asks = False, _aiohttp(*self._settings)
        return self._asks.ask(requests, budget_s=budget_s) if requests else []

    def close(self) -> None:
        """Close the connections of the calling thread; it may ask again."""
        self._asks.close()


def _curl(
    policy: AddressPolicy, tls: TlsFiles, proxy: str, keepalive_s: float, user_agent: str, lookup: Lookup
) -> _Asks:
    from trackside.outbound.curl.blocking import CurlThreads
    from trackside.outbound.curl.options import curl_options
    from trackside.outbound.curl.places import Places
    from trackside.outbound.proxy import parse_proxy

    through = parse_proxy(proxy) if proxy else None
    options = curl_options(
        policy=policy, tls=tls, proxy=through, keepalive_s=keepalive_s, user_agent=user_agent
    )
    return CurlThreads(options, Places(policy, through), lookup)


def _aiohttp(
    policy: AddressPolicy, tls: TlsFiles, proxy: str, keepalive_s: float, user_agent: str, lookup: Lookup
) -> _Asks:
    from functools import partial

    from trackside.outbound.client import HttpClient
    from trackside.outbound.loop_thread import LoopThread

    make = partial(
        HttpClient,
        policy=policy,
        tls=tls,
        proxy=proxy,
        keepalive_s=keepalive_s,
        user_agent=user_agent,
        lookup=lookup,
    )
    make()  # what cannot be used is told now
    return LoopThread(make)
