"""Servers that speak HTTP/2 as they are told: well, badly, or hardly."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Final

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import DataReceived, Event, RequestReceived, StreamEnded, StreamReset
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings

from tests.outbound.certificates import Authority, server_tls
from tests.outbound.servers import Behave as Plain
from tests.outbound.servers import Connection, Server, answering, serving

Behave = Callable[["Stream"], Awaitable[None]]
Headers = Iterable[tuple[str, str]]
WINDOW_BYTES: Final = 2**30
STALLED: Final = ("x-stall", "1")
"""A request with this header is let in no further than its window was from the beginning."""


class Stream:
    """One request on a connection, and what is to be answered."""

    def __init__(self, connection: "Session", number: int, headers: Headers) -> None:
        self.connection = connection
        self.number = number
        self.headers = [*headers]
        self.body = bytearray()
        self.ended = asyncio.Event()
        """The request is here as a whole."""
        self.reset_with: int | None = None
        """What the client ended it with."""
        self.given_up = asyncio.Event()

    async def request(self) -> bytes:
        """Return the whole body."""
        await self.ended.wait()
        return bytes(self.body)

    async def say(self, status: int = 200, headers: Headers = (), *, end: bool = False) -> None:
        """Send a head."""
        head = [(":status", str(status)), *headers]
        self.connection.h2.send_headers(self.number, head, end_stream=end)
        await self.connection.flush()

    async def send(self, data: bytes, *, end: bool = False) -> None:
        """Send some of the body, as far as the client's window lets it."""
        while data:
            room = min(self.connection.h2.local_flow_control_window(self.number), 16_384)
            if room <= 0:
                await self.connection.wait_for_frames()
                continue
            piece, data = data[:room], data[room:]
            self.connection.h2.send_data(self.number, piece, end_stream=end and not data)
            await self.connection.flush()

    async def answer(self, status: int = 200, body: bytes = b"ok", headers: Headers = ()) -> None:
        """Send a whole answer."""
        await self.say(status, headers, end=not body)
        await self.send(body, end=True)

    async def reset(self, code: ErrorCodes) -> None:
        """End this stream, the others go on."""
        self.connection.h2.reset_stream(self.number, code)
        await self.connection.flush()


class Session:
    """One connection, after both sides have agreed on HTTP/2."""

    def __init__(self, connection: Connection, settings: Mapping[SettingCodes, int]) -> None:
        self.wire = connection
        self.number = connection.number
        self.streams: dict[int, Stream] = {}
        self.h2 = H2Connection(
            H2Configuration(client_side=False, header_encoding="utf-8", validate_outbound_headers=False)
        )
        defaults = {SettingCodes.MAX_CONCURRENT_STREAMS: 100, SettingCodes.MAX_HEADER_LIST_SIZE: 65_536}
        self.h2.local_settings = Settings(client=False, initial_values={**defaults, **settings})
        self._frames = asyncio.Condition()

    async def flush(self) -> None:
        """Send what is to be sent."""
        await self.wire.send(self.h2.data_to_send())

    async def wait_for_frames(self) -> None:
        """Wait until the client has said something."""
        async with self._frames:
            await self._frames.wait()

    async def say_goodbye(self, *, last: int, code: ErrorCodes = ErrorCodes.NO_ERROR) -> None:
        """Send GOAWAY: requests after stream `last` were not looked at."""
        frame = (
            b"\x00\x00\x08\x07\x00\x00\x00\x00\x00" + last.to_bytes(4, "big") + int(code).to_bytes(4, "big")
        )
        await self.wire.send(frame)

    async def serve(self, behave: Behave) -> None:
        """Answer until the client goes away."""
        self.h2.initiate_connection()
        self.h2.increment_flow_control_window(WINDOW_BYTES)
        await self.flush()
        answering: set[asyncio.Task[None]] = set()
        try:
            while data := await self.wire.reader.read(65_536):
                for event in self.h2.receive_data(data):
                    if isinstance(event, RequestReceived):
                        task = asyncio.create_task(self._answer(self._begun(event), behave))
                        answering.add(task)
                        task.add_done_callback(answering.discard)
                    self._take(event)
                await self.flush()
                async with self._frames:
                    self._frames.notify_all()
        finally:
            for task in answering:
                task.cancel()
            await asyncio.gather(*answering, return_exceptions=True)

    async def _answer(self, stream: Stream, behave: Behave) -> None:
        with suppress(OSError, ProtocolError):
            await behave(stream)

    def _begun(self, event: RequestReceived) -> Stream:
        stream = Stream(self, event.stream_id, [(str(name), str(value)) for name, value in event.headers])
        self.streams[stream.number] = stream
        return stream

    def _take(self, event: Event) -> None:
        match event:
            case DataReceived():
                stream = self.streams[event.stream_id]
                stream.body += event.data
                if STALLED in stream.headers:
                    return
                with suppress(ProtocolError):
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case StreamEnded():
                self.streams[event.stream_id].ended.set()
            case StreamReset():
                stream = self.streams[event.stream_id]
                stream.reset_with = event.error_code
                stream.given_up.set()


@asynccontextmanager
async def serving_http2(
    behave: Behave,
    context: ssl.SSLContext,
    *,
    settings: Mapping[SettingCodes, int] | None = None,
    plain: Plain | None = None,
) -> AsyncIterator[Server]:
    """Run a server of HTTP/2 while the block runs; `plain` serves those who did not agree on it."""

    async def talk(connection: Connection) -> None:
        if connection.writer.get_extra_info("ssl_object").selected_alpn_protocol() != "h2":
            await (plain or answering())(connection)
            return
        with suppress(ProtocolError):
            await Session(connection, settings or {}).serve(behave)

    async with serving(talk, context) as server:
        yield server


def offering(certificate: str, *protocols: str, clients_of: Authority | None = None) -> ssl.SSLContext:
    """Return a server's context that offers HTTP/2 and HTTP/1.1, or these protocols."""
    context = server_tls(certificate, clients_of=clients_of)
    context.set_alpn_protocols([*protocols] or ["h2", "http/1.1"])
    return context


async def answer(stream: Stream) -> None:
    """Answer well."""
    await stream.request()
    await stream.answer()


async def hang(stream: Stream) -> None:
    """Never answer."""
    await stream.given_up.wait()
