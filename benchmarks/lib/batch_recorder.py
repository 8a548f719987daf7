"""A place that takes batches as fast as it can: `python -m benchmarks.lib.batch_recorder DELAY_S`.

Batches are Segment's, or JSON Lines.

It prints its port, answers each POST 200 after the delay, and each GET with what it has: how many events, and how
old those were, shortest first, that say when they were sent (`"sent_s":`, of the machine's monotonic clock).
"""

import asyncio
import json
import re
import subprocess
import sys
import time
import urllib.request
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_SENT = re.compile(rb'"sent_s":([\d.]+)')
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
_OK = b'{"success":true}'


class Found:
    """What was posted."""

    events = 0
    lags_s: list[float] = []  # one recorder a process


class Recording(asyncio.Protocol):
    """One connection; its requests come one after the other."""

    def __init__(self, delay_s: float) -> None:
        self._delay_s = delay_s
        self._received = bytearray()
        self._wanted = 0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._wanted:
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                return
            length = _LENGTH.search(self._received, 0, end)
            self._wanted = end + 4 + (int(length[1]) if length else 0)
        if len(self._received) >= self._wanted:
            request, self._received, self._wanted = bytes(self._received), bytearray(), 0
            self._answer(request)

    def _answer(self, request: bytes) -> None:
        if request.startswith(b"GET"):
            found = {"events": Found.events, "lags_s": sorted(Found.lags_s)}
            self._write(json.dumps(found).encode())
            return
        head, _, body = request.partition(b"\r\n\r\n")
        if b"gzip" in head:
            body = zlib.decompress(body, wbits=31)
        now_s = time.monotonic()
        Found.events += body.count(b"\n" if b"x-ndjson" in head else b'"messageId":')
        Found.lags_s += [now_s - float(sent_s) for sent_s in _SENT.findall(body)]
        asyncio.get_running_loop().call_later(self._delay_s, self._write, _OK)

    def _write(self, body: bytes) -> None:
        assert self._transport is not None
        self._transport.write(_ANSWER % (len(body), body))


@dataclass(frozen=True)
class BatchRecorder:
    """A recorder in a process of its own."""

    url: str

    def found(self) -> dict[str, Any]:
        """Return how many events it has, and the lags of those that say when they were sent."""
        with urllib.request.urlopen(self.url, timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
        return found


@contextmanager
def recording(delay_s: float = 0.0) -> Iterator[BatchRecorder]:
    """Run a recorder while the block runs."""
    command = [sys.executable, "-m", "benchmarks.lib.batch_recorder", str(delay_s)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield BatchRecorder(f"http://127.0.0.1:{int(process.stdout.readline())}")
        finally:
            process.terminate()


async def _serve(delay_s: float) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: Recording(delay_s), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1])))
