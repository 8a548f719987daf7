"""Connections of aiohttp that lead only where the policy lets them, and know whether they were used before."""

import socket
import ssl
from contextvars import ContextVar
from typing import Any
from weakref import WeakSet

from aiohttp import ClientRequest, ClientTimeout, TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import AddrInfoType, Connection

from trackside.outbound.names import Names
from trackside.outbound.policy import AddressPolicy


class RefusedAddress(OSError):  # noqa: N818  # named as what the caller is told
    """The policy forbids this address."""


class Attempt:
    """How far one request has come."""

    __slots__ = ("connected", "host", "kept", "reached", "secure")

    def __init__(self, host: str, *, secure: bool) -> None:
        self.host = host
        self.secure = secure
        self.reached = False
        """A new connection to the other side, or to the proxy, was made."""
        self.connected = False
        """There is a connection that the request can go over: from now on it may have been received."""
        self.kept = False
        """That connection has carried a request before."""


attempt: ContextVar[Attempt | None] = ContextVar("attempt", default=None)
"""The request that the present task, or its child, is about. aiohttp's own hooks cost each request more."""


class PolicedResolver(AbstractResolver):
    """Returns a name's addresses if every one of them may be reached.

    Not the good ones among them: a name that leads to both is one that tries.
    """

    def __init__(self, names: Names, policy: AddressPolicy) -> None:
        self._names = names
        self._policy = policy

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return what aiohttp wants to know. Raises OSError."""
        name = host.removesuffix(".").lower()
        found = await self._names.addresses(name)
        for address in found:
            if reason := self._policy.why_not_address(address, name):
                raise RefusedAddress(f"an address of its host is not to be reached: {reason}")
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
            for address in found
        ]

    async def close(self) -> None:
        """Do nothing: lookups end by themselves."""


class PolicedConnector(TCPConnector):
    """Makes the sockets itself, for each address that is dialled, those written into the URL included."""

    def __init__(
        self, names: Names, policy: AddressPolicy, *, tls: ssl.SSLContext, keepalive_s: float | None
    ) -> None:
        """Without `keepalive_s` each connection carries one request. Needs a running event loop."""
        self._policy = policy
        self._used: WeakSet[ResponseHandler] = WeakSet()
        super().__init__(
            resolver=PolicedResolver(names, policy),
            use_dns_cache=False,
            socket_factory=self._socket,
            ssl=tls,
            limit=0,  # who sends bounds how much; a queue here would be charged to the other side
            keepalive_timeout=keepalive_s,
            force_close=keepalive_s is None,
        )

    def _socket(self, info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = info
        current = attempt.get()
        host = current.host if current is not None else ""
        if reason := self._policy.why_not_address(str(address[0]), host):
            raise RefusedAddress(f"its address is not to be reached: {reason}")
        return socket.socket(family, kind, protocol)

    async def connect(
        self,
        req: ClientRequest,
        traces: list[Any],
        timeout: ClientTimeout,  # noqa: ASYNC109  # the base class's
    ) -> Connection:
        """Return a connection, kept or new, and note which in the present attempt."""
        connection = await super().connect(req, traces, timeout)
        protocol = connection.protocol
        current = attempt.get()
        if current is not None and protocol is not None:
            current.connected = True
            current.kept = protocol in self._used
            self._used.add(protocol)
        return connection

    async def _wrap_create_connection(self, *args: Any, **kwargs: Any) -> Any:
        made = await super()._wrap_create_connection(*args, **kwargs)
        if (current := attempt.get()) is not None:
            current.reached = True
        return made
