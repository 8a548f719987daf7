"""Connections of aiohttp that lead only where the policy lets them, and know whether they were used before."""

import asyncio
import socket
import ssl
from contextvars import ContextVar
from functools import partial
from typing import Any, Final

from aiohttp import ClientRequest, ClientTimeout, TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import AddrInfoType, Connection
from aiohttp.http import HttpProcessingError, RawResponseMessage
from aiohttp.streams import StreamReader

from trackside.outbound import sockets
from trackside.outbound.names import Names
from trackside.outbound.policy import AddressPolicy

_SWITCHING: Final = 101
_FIRST_FINAL: Final = 200
HEAD_BYTES: Final = 65_536
"""A head has less, the answers before the answer (100 Continue) included; parsing more would hold up the loop."""


class RefusedAddress(OSError):  # noqa: N818  # named as what the caller is told
    """The policy forbids this address."""


class Attempt:
    """How far one request has come."""

    __slots__ = ("connected", "host", "kept", "protocol", "reached", "secure")

    def __init__(self, host: str, *, secure: bool) -> None:
        self.host = host
        self.secure = secure
        self.reached = False
        """A new connection to the other side, or to the proxy, was made."""
        self.connected = False
        """There is a connection that the request can go over: from now on it may have been received."""
        self.kept = False
        """That connection has carried a request before."""
        self.protocol: BoundedHead | None = None

    @property
    def heard(self) -> bool:
        """Whether a byte of an answer came."""
        return self.protocol is not None and self.protocol.heard_bytes > 0

    @property
    def lost(self) -> BaseException | None:
        """What ended the connection."""
        return None if self.protocol is None else self.protocol.lost


attempt: ContextVar[Attempt | None] = ContextVar("attempt", default=None)
"""The request that the present task, or its child, is about. aiohttp's own hooks cost each request more."""


class BoundedHead(ResponseHandler):
    """aiohttp's own side of a connection, with a bound on everything before an answer's body."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.used = False
        """Whether it has carried a request."""
        self.heard_bytes = 0
        """How much came since the last request that is not yet a whole head."""
        self.lost: BaseException | None = None
        """What ended the connection, where it did not just end."""
        self._head_is_here = True

    def connection_lost(self, exc: BaseException | None) -> None:
        """Note what ended it: whoever writes at that moment is told only that it is closing."""
        self.lost = exc
        super().connection_lost(exc)

    def expect_answer(self) -> None:
        """Begin to wait for the answer to a request."""
        self.used = True
        self.heard_bytes = 0
        self._head_is_here = False

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """Take a head that the parser made."""
        code = data[0].code
        self._head_is_here = code >= _FIRST_FINAL or code == _SWITCHING
        super().feed_data(data, size)

    def data_received(self, data: bytes) -> None:
        """Take what came, as far as it may belong to a head or a head is here."""
        if self._waits():
            data, head = data[HEAD_BYTES - self.heard_bytes :], data[: HEAD_BYTES - self.heard_bytes]
            self.heard_bytes += len(head)
            super().data_received(head)
            if self._waits() and self.heard_bytes >= HEAD_BYTES:
                if self.transport is not None:
                    self.transport.abort()
                self.set_exception(HttpProcessingError(message="the head is too large"))
                return
            if not data:
                return
        super().data_received(data)

    def _waits(self) -> bool:
        return not self._head_is_here


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
        super().__init__(
            resolver=PolicedResolver(names, policy),
            use_dns_cache=False,
            socket_factory=self._socket,
            ssl=tls,
            limit=0,  # who sends bounds how much; a queue here would be charged to the other side
            keepalive_timeout=keepalive_s,
            force_close=keepalive_s is None,
        )
        self._factory = partial(BoundedHead, self._loop)  # type: ignore[assignment]

    def _socket(self, info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = info
        current = attempt.get()
        host = current.host if current is not None else ""
        if reason := self._policy.why_not_address(str(address[0]), host):
            raise RefusedAddress(f"its address is not to be reached: {reason}")
        return sockets.new_socket(family, kind, protocol)

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
        if current is not None and isinstance(protocol, BoundedHead):
            current.connected = True
            current.kept = protocol.used
            current.protocol = protocol
            protocol.expect_answer()
        return connection

    async def _wrap_create_connection(self, *args: Any, **kwargs: Any) -> Any:
        made = await super()._wrap_create_connection(*args, **kwargs)
        if (current := attempt.get()) is not None:
            current.reached = True
        return made
