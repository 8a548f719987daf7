"""A place that takes webhooks as fast as it can: `python -m benchmarks.lib.webhook_receiver`.

It prints its port. A POST to `/down` is answered 503, one to `/slow/MS` after so many ms, any other at once. A GET
tells how many were taken, and how old those were, one after the other, that say when they were sent (`"sent_s":`, of
the machine's monotonic clock).
"""

import asyncio
import json
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import uvloop

from benchmarks.lib.bench_venv import ROOT

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_SENT = re.compile(rb'"sent_s":([\d.]+)')
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
_DOWN = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"


class Found:
    """What was posted."""

    taken = 0
    lags_s: list[float] = []  # one receiver a process


class Receiving(asyncio.Protocol):
    """One connection; its requests come one after the other."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class
        self._received = b""

    def data_received(self, data: bytes) -> None:
        received = self._received = self._received + data if self._received else data
        end = received.find(b"\r\n\r\n")
        if end < 0:
            return
        length = _LENGTH.search(received, 0, end)
        if len(received) < end + 4 + (int(length[1]) if length else 0):
            return
        self._received = b""
        self._answer(received)

    def _answer(self, request: bytes) -> None:
        method, path, _ = request.split(b" ", 2)
        if method == b"GET":
            body = json.dumps({"taken": Found.taken, "lags_s": Found.lags_s}).encode()
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        elif path == b"/down":
            self._transport.write(_DOWN)
        elif path.startswith(b"/slow/"):
            asyncio.get_running_loop().call_later(int(path[6:]) / 1e3, self._take, request)
        else:
            self._take(request)

    def _take(self, request: bytes) -> None:
        Found.taken += 1
        if sent := _SENT.search(request):
            Found.lags_s.append(time.monotonic() - float(sent[1]))
        self._transport.write(_OK)


@dataclass(frozen=True)
class Receiver:
    """A receiver in a process of its own."""

    url: str

    def found(self) -> dict[str, Any]:
        """Return how many it took, and the lags of those that say when they were sent."""
        with urllib.request.urlopen(self.url, timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
        return found


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Have a receiver while the block runs."""
    command = [sys.executable, "-m", "benchmarks.lib.webhook_receiver"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield Receiver(f"http://127.0.0.1:{int(process.stdout.readline())}")
        process.communicate()


async def _receive() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Receiving, "127.0.0.1", 0, backlog=1_024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_receive())
