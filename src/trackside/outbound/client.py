"""The HTTP client behind everything that leaves.

aiohttp does the protocol; what is ours is when it ends, where it may go, how much is read and what a failure is
called. Why aiohttp: docs/decisions/0011-outbound-client.md.
"""

import asyncio
import io
import ssl
import time
from collections.abc import Callable
from typing import Final

from aiohttp import ClientResponse, ClientSession, ClientTimeout, DummyCookieJar
from aiohttp.payload import BytesPayload, Payload
from msgspec import Struct
from yarl import URL

from trackside.errors import ConfigurationError
from trackside.outbound import faults
from trackside.outbound.base import (
    KEPT_IDLE_S,
    RESPONSE_BYTES,
    USER_AGENT,
    Answer,
    Failed,
    Fault,
    Lease,
    Outgoing,
    default_headers,
)
from trackside.outbound.connections import Attempt, PolicedConnector, attempt
from trackside.outbound.headers import sendable
from trackside.outbound.names import Lookup, Names, system_lookup
from trackside.outbound.policy import OPEN, AddressPolicy
from trackside.outbound.proxy import parse_proxy
from trackside.outbound.refusing import refusal
from trackside.outbound.tls import MACHINE_S, TlsFiles
from trackside.telemetry import catalogue

KNOWN_URLS: Final = 4_096
KNOWN_TLS: Final = 256
HEAD_LINE_BYTES: Final = 8_190
HEAD_LINES: Final = 128
READ_BYTES: Final = 32_768
"""Twice as much of a body is taken in before it is read: the most there is of an answer that is cut."""
_BLOCKING_BYTES: Final = 1_048_576
_NO_TIMEOUT: Final = ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None)
_NO_BODY: Final = {204, 205, 304}
_PROXY_WANTS_LOGIN: Final = 407


class _Request(Struct):
    """A request on its way: what of it has come to be by the time its time is up."""

    outgoing: Outgoing
    url: URL
    headers: list[tuple[str, str]]
    began_s: float
    attempt: Attempt
    tls: ssl.SSLContext | bool
    response: ClientResponse | None = None
    body: bytearray = bytearray()

    def seconds(self) -> float:
        return time.monotonic() - self.began_s


class HttpClient:
    """Sends requests within a deadline, over kept connections, to nobody the policy forbids.

    `tls` says whom https may be with; without it the machine's own authorities do. With
    a `proxy` (`http://user:password@proxy.internal:3128`) it is the proxy that resolves names and keeps them from
    leading to private networks: here only the URL's text is judged. `lookup` takes the place of the system's resolver.
    `http2` lets a client that can speak HTTP/2 with who offers it; this one cannot.

    It may be made anywhere, also without an event loop; it belongs to the loop of its first `send`. How much is sent
    at a time is bounded by who sends: one connection for each request under way, up to `keepalive_s` idle.
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
        http2: bool = True,  # noqa: ARG002  # aiohttp has none
    ) -> None:
        """Raises ConfigurationError for a proxy's URL that is none, and for files of TLS that cannot be used."""
        self.policy = policy or AddressPolicy()
        self.second_tries = 0
        """How many requests went out again because a kept connection had been closed from the other side."""
        self._tls = tls.context()  # now: the first request must not pay for loading it
        self._contexts: dict[TlsFiles, ssl.SSLContext] = {}
        self._proxy = _proxy_url(proxy) if proxy else None
        self._keepalive_s = keepalive_s
        self._headers = default_headers(user_agent)
        self._names = Names(lookup)
        self._kept: ClientSession | None = None
        self._fresh: ClientSession | None = None
        self._urls: dict[str, tuple[URL, str] | str] = {}
        self._deadlines: dict[asyncio.Timeout, Lease | None] = {}
        self._ended: asyncio.Event | None = None
        self._closed = False

    async def send(self, request: Outgoing, lease: Lease | None = None) -> Answer | Failed:
        """Return what came back. Raises only CancelledError."""
        began_s = time.monotonic()
        if self._is_over(lease):
            return Failed(fault=Fault.LOCAL, detail="the client is closed", maybe_sent=False)
        found = self._url(request.url)
        headers = sendable(request.headers)
        if isinstance(found, str) or isinstance(headers, str):
            refused = found if isinstance(found, str) else str(headers)
            return refusal(refused)
        try:
            tls = True if request.tls is None else self._context(request.tls)
        except ConfigurationError as error:
            return Failed(fault=Fault.LOCAL, detail=str(error), maybe_sent=False)
        url, host = found
        stage = Attempt(host, secure=url.scheme == "https")
        sending = _Request(request, url, headers, began_s, stage, tls, None, bytearray())
        token = attempt.set(stage)
        deadline = asyncio.timeout(request.timeout_s)
        try:
            async with deadline:
                self._deadlines[deadline] = lease
                return await self._answer(sending)
        except Exception as error:  # noqa: BLE001  # the border: whatever a foreign server makes of the client
            if stage.secure and stage.connected:
                self._deadlines.pop(deadline, None)  # it is behind us: nobody may move it any more
                await asyncio.sleep(0)  # what ended the connection may be told after the write that failed
            return self._failed(error, sending, is_over=self._is_over(lease))
        finally:
            self._deadlines.pop(deadline, None)
            if self._ended is not None and not self._deadlines:
                self._ended.set()
            attempt.reset(token)

    def end_of(self, lease: Lease) -> None:
        """Let the requests under way of a lease fail as LOCAL, unless their status is known already."""
        self._cut_off(lambda whose: whose is lease)

    async def close(self) -> None:
        """Close all connections; requests under way fail as LOCAL, unless their status is known already."""
        self._closed = True
        self._cut_off(lambda _: True)
        if self._deadlines:
            self._ended = asyncio.Event()
            await self._ended.wait()
        for session in (self._kept, self._fresh):
            if session is not None:
                await session.close()

    def _is_over(self, lease: Lease | None) -> bool:
        return self._closed or (lease is not None and lease.is_over)

    def _cut_off(self, is_meant: Callable[[Lease | None], bool]) -> None:
        now_s = asyncio.get_running_loop().time()
        for deadline, whose in [*self._deadlines.items()]:
            if is_meant(whose) and not deadline.expired():
                deadline.reschedule(now_s)

    async def _answer(self, sending: _Request) -> Answer | Failed:
        try:
            response = await self._exchange(self._kept or self._open(), sending)
        except Exception as error:
            if not faults.is_stale(error, sending.attempt):
                raise
            # It never got there, or its answer never came back: a receiver knows a repeated request by its id.
            self.second_tries += 1
            catalogue.OUTBOUND_SECOND_TRIES.add(1)
            response = await self._exchange(self._fresh or self._open_fresh(), sending)
        if self._proxy is not None and response.status == _PROXY_WANTS_LOGIN:
            response.close()
            detail = "the proxy answered 407"
            return Failed(fault=Fault.PROXY, detail=detail, maybe_sent=False, duration_s=sending.seconds())
        try:
            truncated = response.status not in _NO_BODY and await _read(response, sending.body)
        finally:
            if not response.closed:
                response.close()
        return _answer(sending, response, truncated=truncated)

    async def _exchange(self, session: ClientSession, sending: _Request) -> ClientResponse:
        outgoing = sending.outgoing
        response = await session.request(
            outgoing.method,
            sending.url,
            data=_payload(outgoing.body),
            headers=sending.headers,
            allow_redirects=False,
            ssl=sending.tls,
            timeout=_NO_TIMEOUT,
        )
        sending.response = response
        return response

    def _failed(self, error: Exception, sending: _Request, *, is_over: bool) -> Answer | Failed:
        if sending.response is not None:  # the status is known, also where the client is closing
            return _answer(sending, sending.response, truncated=True)
        duration_s, stage = sending.seconds(), sending.attempt
        if is_over:
            detail = "the client was closed"
            return Failed(fault=Fault.LOCAL, detail=detail, maybe_sent=stage.connected, duration_s=duration_s)
        outcome = faults.failed(error, stage, proxied=self._proxy is not None, duration_s=duration_s)
        if outcome.fault is Fault.REFUSED_ADDRESS:
            catalogue.OUTBOUND_REFUSED_ADDRESSES.add(1)
        if not stage.connected:
            self._names.forget(stage.host)  # it may have moved
        return outcome

    def _context(self, tls: TlsFiles) -> ssl.SSLContext:
        """Return what is made of a request's own files, once. Raises ConfigurationError."""
        known = self._contexts.get(tls)
        if known is None:
            if len(self._contexts) >= KNOWN_TLS:
                self._contexts.clear()
            known = self._contexts[tls] = tls.context()
        return known

    def _url(self, text: str) -> tuple[URL, str] | str:
        """Return what is asked for and its host, or why it is not; each text is judged once."""
        known = self._urls.get(text)
        if known is None:
            if len(self._urls) >= KNOWN_URLS:
                self._urls.clear()
            known = self._urls[text] = _judged(self.policy, text)
        return known

    def _open(self) -> ClientSession:
        self._kept = self._session(self._keepalive_s)
        return self._kept

    def _open_fresh(self) -> ClientSession:
        self._fresh = self._session(None)
        return self._fresh

    def _session(self, keepalive_s: float | None) -> ClientSession:
        policy = self.policy if self._proxy is None else OPEN  # the proxy is the operator's, wherever it is
        session = ClientSession(
            connector=PolicedConnector(self._names, policy, tls=self._tls, keepalive_s=keepalive_s),
            headers=self._headers,
            cookie_jar=DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            proxy=self._proxy,
            read_bufsize=READ_BYTES,
            max_line_size=HEAD_LINE_BYTES,
            max_field_size=HEAD_LINE_BYTES,
            max_headers=HEAD_LINES,
        )
        session._retry_connection = False  # noqa: SLF001  # it would send a PUT twice, uncounted
        return session


async def _read(response: ClientResponse, into: bytearray) -> bool:
    """Read at most `RESPONSE_BYTES` of the body; return whether there was more."""
    while chunk := await response.content.readany():
        into += chunk
        if len(into) > RESPONSE_BYTES:
            return True
    return False


def _answer(sending: _Request, response: ClientResponse, *, truncated: bool) -> Answer:
    return Answer(
        status=response.status,
        headers={name.lower(): value for name, value in response.headers.items()},
        body=bytes(sending.body[:RESPONSE_BYTES]),
        truncated=truncated,
        duration_s=sending.seconds(),
    )


def _payload(body: bytes) -> Payload | io.BytesIO | None:
    if not body:
        return None
    return BytesPayload(body) if len(body) <= _BLOCKING_BYTES else io.BytesIO(body)


def _judged(policy: AddressPolicy, text: str) -> tuple[URL, str] | str:
    target = policy.target(text)
    if isinstance(target, str):
        return target
    url = URL.build(
        scheme=target.scheme,
        host=target.host,
        port=target.port,
        path=target.path,
        query_string=target.query,
        encoded=True,
    )
    return url, target.host


def _proxy_url(text: str) -> URL:
    proxy = parse_proxy(text)
    return URL.build(
        scheme=proxy.scheme,
        host=proxy.host,
        port=proxy.port,
        user=proxy.user or None,
        password=proxy.password or None,
    )
