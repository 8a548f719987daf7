"""Servers that behave and servers that do not, on the loop of the test or in a thread."""

import asyncio
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager, suppress

Behave = Callable[["Connection"], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Connection:
    """One connection that a server took."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        self.reader = reader
        self.writer = writer
        self.number = number

    async def request(self) -> tuple[bytes, bytes]:
        """Return the head and the body of the next request. Raises IncompleteReadError at the end."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        return head, await self.reader.readexactly(length)

    async def send(self, data: bytes) -> None:
        """Send, and wait while the other side does not read."""
        self.writer.write(data)
        await self.writer.drain()

    async def pass_on(self, port: int) -> None:
        """Carry everything to and from a server of this machine."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while data := await source.read(65_536):
                sink.write(data)
            sink.close()

        try:
            await asyncio.gather(pump(self.reader, writer), pump(reader, self.writer))
        finally:
            writer.close()

    def reset(self) -> None:
        """Tear the connection down, so that the other side gets a RST."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        self.writer.transport.abort()


class Server:
    """Listens on a free port of 127.0.0.1 and does with each connection what it was told."""

    def __init__(self, behave: Behave) -> None:
        self._behave = behave
        self._tasks: set[asyncio.Task[None]] = set()
        self.connections = 0
        self.sent_bytes = 0
        self.port = 0
        self.scheme = "http"
        self.stop_listening: Callable[[], None]

    def url(self, host: str = "127.0.0.1", path: str = "/hook") -> str:
        """Return where it is reached, by `host`."""
        return f"{self.scheme}://{host}:{self.port}{path}"

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end."""
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                await self._behave(Connection(reader, writer, self.connections))
        finally:
            self._tasks.discard(task)
            writer.close()
            with suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    async def stop(self) -> None:
        """End what is still served."""
        tasks = [*self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def serving(behave: Behave, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """Run a server while the block runs."""
    server = Server(behave)

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.CancelledError):
            await server.take(reader, writer)

    listener = await asyncio.start_server(take, "127.0.0.1", 0, ssl=tls, limit=2**24)
    server.stop_listening = listener.close
    server.port = listener.sockets[0].getsockname()[1]
    server.scheme = "https" if tls else "http"
    try:
        yield server
    finally:
        listener.close()
        for _ in range(5):  # what was just taken begins to be served some turns of the loop later
            await asyncio.sleep(0)
        await server.stop()


def answering(answer: bytes = OK) -> Behave:
    """Answer every request on a connection in the same way."""

    async def behave(connection: Connection) -> None:
        while True:
            await connection.request()
            await connection.send(answer)

    return behave


def saying(answer: bytes) -> Behave:
    """Answer one request, and close the connection."""

    async def behave(connection: Connection) -> None:
        await connection.request()
        await connection.send(answer)

    return behave


async def hang(connection: Connection) -> None:
    """Take a request and never answer."""
    await connection.request()
    await connection.reader.read()


def dripping(text: bytes, *, every_s: float = 0.02) -> Behave:
    """Answer one byte after the other."""

    async def behave(connection: Connection) -> None:
        await connection.request()
        for position in range(len(text)):
            await connection.send(text[position : position + 1])
            await asyncio.sleep(every_s)

    return behave


def flooding(beginning: bytes, more: bytes, sent: list[int]) -> Behave:
    """Answer without an end; `sent` gets how many bytes went out."""

    async def behave(connection: Connection) -> None:
        await connection.request()
        sent.append(len(beginning))
        await connection.send(beginning)
        while True:
            sent[-1] += len(more)
            await connection.send(more)

    return behave


def tunnel(heads: list[bytes], port: int) -> Behave:
    """Do what a proxy does: connect to a server of this machine, whatever name was asked for."""

    async def behave(connection: Connection) -> None:
        heads.append((await connection.request())[0])
        await connection.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await connection.pass_on(port)

    return behave


@contextmanager
def serving_in_a_thread(behave: Behave, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Run a server on a loop of its own while the block runs, for tests that have none."""
    began: Future[Server] = Future()
    loop = asyncio.new_event_loop()
    ended = asyncio.Event()

    async def serve() -> None:
        async with serving(behave, tls) as server:
            began.set_result(server)
            await ended.wait()

    def run() -> None:
        loop.set_exception_handler(lambda *_: None)  # handshakes that fail are what some tests are about
        loop.run_until_complete(serve())
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield began.result(10)
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(10)


@contextmanager
def refusing(context: ssl.SSLContext, *, reads_on: bool) -> Iterator[int]:
    """Run a server whose handshakes fail, and who says so: asyncio's own would keep that to itself."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            plain, _ = listener.accept()
            with plain, suppress(OSError):
                session = context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
                with session:
                    with suppress(ssl.SSLError):
                        session.do_handshake()
                    while reads_on and socket.socket.recv(session, 65_536):
                        pass

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()
