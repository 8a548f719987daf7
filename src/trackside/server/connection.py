"""One HTTP connection: uvicorn's, with limits on a request's head, on its time to arrive, and on their number,
and with a short way for the collector's requests.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from trackside.server.collector import Client, Collector
from trackside.server.exchange import Exchange
from trackside.server.heads import Head, KnownHeads
from trackside.telemetry import catalogue

_HEAD_BYTES = 65_536


def _refusal(status: bytes, code: bytes, message: bytes) -> bytes:
    body = b'{"success":false,"code":"%b","message":"%b","error":"%b"}' % (code, message, message)
    return (
        b"HTTP/1.1 %b\r\nretry-after: 5\r\naccess-control-allow-origin: *\r\n"
        b"access-control-expose-headers: Retry-After\r\ncontent-type: application/json\r\n"
        b"content-length: %d\r\nconnection: close\r\n\r\n%b" % (status, len(body), body)
    )


_TOO_MANY = _refusal(b"503 Service Unavailable", b"overloaded", b"too many connections")
_HEAD_TOO_LARGE = _refusal(
    b"431 Request Header Fields Too Large", b"head_too_large", b"the headers are too large"
)


class Connection(HttpToolsProtocol):
    """Closed by `close_if_late`, which the server calls now and then, rather than by a timer of its own."""

    collector: Collector
    """Asked only where `collects` says that a path is for it."""
    collects: Callable[[str], bool] = staticmethod(lambda _: False)
    heads = KnownHeads()
    most_connections = 20_000
    request_s = 30.0
    idle_s = 75.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._since = self.loop.time()
        self._receiving = False
        self._in_head = False
        self._head_bytes = 0
        self._segment_bytes = 0
        self._wants_upgrade = False
        self._began = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, or answer 503 where there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self.most_connections:
            catalogue.REQUESTS_SHED.add(1, "connections")
            transport.write(_TOO_MANY)
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        exchange = self._exchange()
        if exchange is not None and not exchange.response_complete:
            exchange.abandon()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse; the clock of a request starts with its first byte."""
        if self.transport.is_closing():
            return
        if first := not self._receiving:
            self._receiving = True
            self._since = self.loop.time()
        self._segment_bytes = len(data)
        self._unset_keepalive_if_required()
        if first:
            known = self.heads.find(data)
            if known is not None and self._take(*known):
                return
        self._parse(data)
        if first and not self._receiving and (exchange := self._exchange()) and exchange.keep_alive:
            self.heads.learn(data, exchange.head)
        if self._in_head:  # the parser keeps what it has of a head without any limit of its own
            self._head_bytes += len(data)
            if self._head_bytes > _HEAD_BYTES:
                self.transport.write(_HEAD_TOO_LARGE)
                self.transport.close()

    def _parse(self, data: bytes) -> None:
        try:
            while data:
                try:
                    self.parser.feed_data(data)
                    return
                except httptools.HttpParserUpgrade as upgrade:
                    data = self._without_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            message = "Invalid HTTP request received."
            self.logger.warning(message)
            self.send_400_response(message)

    def _without_upgrade(self, rest: bytes) -> bytes:
        """Return the request whose head was parsed, and what follows, without the header "Upgrade".

        A server may ignore that header, but the parser takes what follows the head for another protocol.
        """
        if not self._wants_upgrade:
            return b""
        self._wants_upgrade = False
        version = self.parser.get_http_version().encode()
        lines = [b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, version)]
        lines += [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
        return b"\r\n".join((*lines, b"", rest))

    def on_message_begin(self) -> None:
        """Start counting the bytes of a head. An exchange does without uvicorn's scope, made here otherwise."""
        self._start_counting()
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def on_headers_complete(self) -> None:
        """Stop counting; start an exchange with the collector, or an ASGI application for everything else."""
        self._in_head = False
        if self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT":
            self._wants_upgrade = True  # curl and Java may ask for HTTP/2 so, over plain TCP
            return
        busy = self._began and not self.cycle.response_complete
        if busy or self.expect_100_continue or not self._start_exchange():
            self._start_application()
        self._began = True

    def on_chunk_header(self) -> None:
        """Count until the chunk's data comes: after the last chunk come trailers, which are kept like a head."""
        self._start_counting()

    def _start_counting(self) -> None:
        self._in_head = True
        self._head_bytes = -self._segment_bytes  # what else is in this segment is not of the head

    def _start_application(self) -> None:
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers.extend(headers)  # the scope has this list already
        super().on_headers_complete()

    def _start_exchange(self) -> bool:
        parser = self.parser
        if parser.get_method() != b"POST" or parser.should_upgrade():
            return False
        path, _, query = self.url.partition(b"?")
        if not path.isascii() or not self.collects(text := path.decode("ascii")):
            return False  # an absolute URL, percent signs, another application's path: uvicorn's way
        headers = dict(self.headers)
        headers.pop(b"content-length", None)
        head = Head(
            method="POST",
            path=text,
            query=query.partition(b"#")[0],
            headers=headers,
            scheme=self.scheme or "http",
        )
        self.cycle = self._exchange_for(  # type: ignore[assignment]
            head, parser.get_http_version() != "1.0" and parser.should_keep_alive()
        )
        return True

    def _take(self, head: Head, body: bytes) -> bool:
        """Take a request without the parser; return False where it has to wait for another, or is too large."""
        if (self._began and not self.cycle.response_complete) or len(body) > self.collector.body_limit:
            return False
        self._receiving = False
        self._began = True
        exchange = self._exchange_for(head, True)
        self.cycle = exchange  # type: ignore[assignment]
        exchange.take(body)
        return True

    def _exchange_for(self, head: Head, keep_alive: bool) -> Exchange:
        client = self.client
        return Exchange(self, head, Client(client[0] if client else None, datetime.now(UTC)), keep_alive)

    @property
    def default_headers(self) -> list[tuple[bytes, bytes]]:
        """Headers of every answer: uvicorn's, with the date."""
        return self.server_state.default_headers

    def on_body(self, body: bytes) -> None:
        """Hand on a part of a body."""
        self._in_head = False
        exchange = self._exchange()
        if exchange is None:
            super().on_body(body)
        elif not exchange.response_complete:
            exchange.feed(body)

    def on_message_complete(self) -> None:
        """Note that the request is here as a whole."""
        self._in_head = False
        if self._wants_upgrade:
            return
        self._receiving = False
        exchange = self._exchange()
        if exchange is None:
            super().on_message_complete()
        elif not exchange.response_complete:
            exchange.complete()

    def on_response_complete(self) -> None:
        """Go on with the next request, if it is here already; else wait for one without a timer of its own."""
        if self.pipeline or self.flow.read_paused:
            super().on_response_complete()
        else:
            self.server_state.total_requests += 1

    def _exchange(self) -> Exchange | None:
        cycle: object = self.cycle
        return cycle if isinstance(cycle, Exchange) else None

    def close_if_late(self, now: float) -> None:
        """Close the connection if a request has not arrived in time, or if it is idle for long."""
        waited_s = now - self._since
        if self._receiving:
            if waited_s > self.request_s:
                self.transport.abort()
        elif waited_s > self.idle_s and (not self._began or self.cycle.response_complete):
            self.transport.close()
