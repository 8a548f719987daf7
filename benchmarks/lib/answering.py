"""A receiver of questions: `python -m benchmarks.lib.answering` prints its port and serves until its input ends.

The path says how it behaves: /0 answers at once, /100 after 100 ms, /never not at all.
"""

import asyncio
import sys
from typing import cast

import uvloop

BODY = b'{"data": {"mode": "verified"}}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
    len(BODY),
    BODY,
)


class Receiver(asyncio.Protocol):
    """Answers once a request's body is here."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class
        self._data = b""

    def data_received(self, data: bytes) -> None:
        self._data += data
        head, end, body = self._data.partition(b"\r\n\r\n")
        if not end or len(body) < _length(head):
            return
        self._data = b""
        delay = head.split(b" ", 2)[1].strip(b"/")
        if delay == b"0":
            self._transport.write(ANSWER)
        elif delay != b"never":
            asyncio.get_running_loop().call_later(int(delay) / 1_000, self._transport.write, ANSWER)


def _length(head: bytes) -> int:
    at = head.lower().find(b"content-length:")
    return int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0


async def serve() -> None:
    """Take requests until the input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Receiver, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    uvloop.run(serve())
