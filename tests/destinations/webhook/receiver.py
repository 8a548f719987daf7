"""A receiver of webhooks: a real HTTP server in a thread of its own, that answers as it is told."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import TracebackType


@dataclass(frozen=True, kw_only=True)
class Received:
    """A request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes
    at: float

    @property
    def id(self) -> str:
        """The event's id."""
        return self.headers["webhook-id"]


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What the receiver does with a request."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    cut: bool = False
    """Whether the connection is closed instead of an answer."""


class Receiver:
    """Listens at `url` within a `with`; keeps every request, and answers what `answer` says."""

    def __init__(self, answer: Callable[[Received], Reply] | None = None, *, port: int = 0) -> None:
        self.answer = answer or (lambda request: Reply())
        self.requests: list[Received] = []
        self.taken: list[str] = []
        """The ids of those that were answered 2xx."""
        self.under_way = self.most_under_way = self.connections = 0
        self.port = port or free_port()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Event | None = None
        self._thread: threading.Thread | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where events are sent."""
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def ids(self) -> list[str]:
        """The ids of all requests, in the order they arrived."""
        return [request.id for request in self.requests]

    def __enter__(self) -> "Receiver":
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), daemon=True)
        self._thread.start()
        assert ready.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._loop is not None
        assert self._ended is not None
        assert self._thread is not None
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(10)

    @contextmanager
    def broken(self) -> Iterator[None]:
        """Answer 500 for a while."""
        before, self.answer = self.answer, lambda request: Reply(status=500)
        try:
            yield
        finally:
            self.answer = before

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        ready.set()
        await self._ended.wait()
        server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        self.connections += 1
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
                while await self._exchange(reader, writer):
                    pass
        finally:
            self._connections.discard(task)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        request = Received(method=method, path=path, headers=headers, body=body, at=time.monotonic())
        self.requests.append(request)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            reply = self.answer(request)
            if reply.delay_s:
                await asyncio.sleep(reply.delay_s)
        finally:
            self.under_way -= 1
        if reply.cut:
            return False
        if reply.status < 300:
            self.taken.append(request.headers.get("webhook-id", ""))
        said = {"Content-Length": "0", **reply.headers}
        head = [f"HTTP/1.1 {reply.status} X", *(f"{name}: {value}" for name, value in said.items())]
        writer.write("\r\n".join([*head, "", ""]).encode())
        await writer.drain()
        return True


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
