"""A POST for the collector and its answer, without an ASGI task between them.

Uvicorn starts a task, an event and a chain of messages for each request: about 20 µs, more than decoding and
storing an event takes (docs/decisions/0004). An exchange stands in the place of uvicorn's own
`RequestResponseCycle` on the connection and answers by one write. It has the attributes uvicorn looks at.
"""

import asyncio
from http import HTTPStatus
from typing import Any, Protocol

from trackside.server.body import BodyReader, BodyRefused
from trackside.server.collector import Client, Collector
from trackside.server.heads import Head
from trackside.sources.base import Reply

_STATUS = {status.value: b"HTTP/1.1 %d %b\r\n" % (status, status.phrase.encode()) for status in HTTPStatus}


class _Silent:
    """An event nobody waits for."""

    def set(self) -> None:
        """Do nothing."""


class Wire(Protocol):
    """What an exchange needs of its connection."""

    collector: Collector
    transport: asyncio.Transport

    @property
    def default_headers(self) -> list[tuple[bytes, bytes]]:
        """Headers of every answer."""
        ...

    def on_response_complete(self) -> None:
        """The answer is written."""
        ...


class Exchange:
    """One request to the collector. The connection feeds it and is told when it is answered."""

    message_event = _Silent()
    """Uvicorn sets it when the client leaves; here nothing waits for that."""

    # Set where they differ, because there is an exchange for each request.
    more_body = True
    response_complete = False
    disconnected = False
    _reader: BodyReader | None = None
    _refused = False

    def __init__(self, wire: Wire, head: Head, client: Client, keep_alive: bool) -> None:
        self.head = head
        self.keep_alive = keep_alive
        self._wire = wire
        self._client = client

    def take(self, body: bytes) -> None:
        """Take the whole body, which is not compressed: have its events stored, then answer."""
        self.more_body = False
        self._wire.collector.take(self.head, body, self._client, self._answer)

    def feed(self, part: bytes) -> None:
        """Take a part of the body; what comes after a refusal goes nowhere."""
        if self._refused:
            return
        try:
            self._body().feed(part)
        except BodyRefused as refused:
            self.keep_alive = False  # the rest of the body is not worth waiting for
            self._refuse(refused)

    def complete(self) -> None:
        """The body is whole: have its events stored, then answer."""
        self.more_body = False
        if self._refused:
            return
        try:
            body = self._body().finish(self.head.headers.get(b"content-encoding"))
        except BodyRefused as refused:
            self._refuse(refused)
            return
        self.take(body)

    def abandon(self) -> None:
        """The client is gone: nothing is answered any more; what it sent as a whole is stored all the same."""
        self.disconnected = True
        self._give_up()

    def _body(self) -> BodyReader:
        if self._reader is None:
            collector = self._wire.collector
            self._reader = BodyReader(collector.body_limit, collector.buffers)
        return self._reader

    def _give_up(self) -> None:
        if self._reader is not None:
            self._reader.give_up()

    def _refuse(self, refused: BodyRefused) -> None:
        self._refused = True
        self._give_up()
        self._wire.collector.refuse(refused, self.head, self._client, self._answer)

    def _answer(self, reply: Reply) -> None:
        if self.response_complete:
            return
        self.response_complete = True
        wire = self._wire
        transport = wire.transport
        if self.disconnected or transport.is_closing():
            return
        transport.write(_written(reply, wire.default_headers, self.keep_alive))
        if not self.keep_alive:
            transport.close()
        wire.on_response_complete()


_last: tuple[Reply | None, list[tuple[bytes, bytes]], bool, bytes] = (None, [], False, b"")


def _written(reply: Reply, default_headers: list[tuple[bytes, bytes]], keep_alive: bool) -> bytes:
    """Return the answer as it goes over the wire. Most are the same object as the one before."""
    global _last  # noqa: PLW0603  # one value, replaced as a whole
    last_reply, last_headers, last_keep_alive, text = _last
    if reply is last_reply and default_headers is last_headers and keep_alive is last_keep_alive:
        return text
    lines: list[Any] = [_STATUS[reply.status]]
    for name, value in (*default_headers, *reply.headers):
        lines += (name, b": ", value, b"\r\n")
    closing = b"" if keep_alive else b"connection: close\r\n"
    lines.append(
        b"content-type: %b\r\ncontent-length: %d\r\n%b\r\n%b"
        % (reply.content_type, len(reply.body), closing, reply.body)
    )
    text = b"".join(lines)
    _last = (reply, default_headers, keep_alive, text)
    return text
