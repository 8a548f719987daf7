"""A process that takes POSTs, and one that sends them.

`python -m benchmarks.lib.posting receive` and `python -m benchmarks.lib.posting send NAME URL COUNT`.
"""

import asyncio
import json
import select
import sys
import time
from collections.abc import Awaitable, Callable
from typing import cast
from urllib.parse import urlsplit

import uvloop
from aiohttp import ClientSession, ClientTimeout, TCPConnector

from trackside.outbound.base import Answer, Client, Outgoing
from trackside.outbound.client import HttpClient
from trackside.outbound.policy import AddressPolicy

CONNECTIONS = 64
BODY = json.dumps({"event": "edx.course.enrollment.activated", "data": "x" * 950}).encode()
HEADERS = (
    ("Content-Type", "application/json"),
    ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
    ("webhook-timestamp", "1614265330"),
    ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
)
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
TIMEOUT_S = 15.0
HERE = AddressPolicy(allow=["127.0.0.0/8"])
Send = Callable[[], Awaitable[bool]]


class Receiver(asyncio.Protocol):
    """Answers 200 once a request's body is here."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class
        self._data = b""

    def data_received(self, data: bytes) -> None:
        self._data += data
        _, end, body = self._data.partition(b"\r\n\r\n")
        if end and len(body) >= len(BODY):
            self._data = b""
            self._transport.write(OK)


class Bare(asyncio.Protocol):
    """The limit: the same bytes over the same sockets, and nobody looks at what comes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class
        self.left = 0
        self.done: asyncio.Future[bool] | None = None
        self.request = b""

    def data_received(self, data: bytes) -> None:
        del data
        self.left -= 1
        if self.left > 0:
            self._transport.write(self.request)
        elif self.done is not None:
            self.done.set_result(True)

    def send(self, request: bytes, count: int) -> "asyncio.Future[bool]":
        self.request, self.left = request, count
        self.done = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self.done


async def receive() -> None:
    """Take requests until the input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Receiver, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


async def with_aiohttp_client(url: str, count: int) -> tuple[float, int]:
    """Send as Trackside does without pycurl."""
    return await _with(HttpClient(policy=HERE), url, count)


async def with_curl_client(url: str, count: int) -> tuple[float, int]:
    """Send as Trackside does with pycurl."""
    from trackside.outbound.curl.client import CurlClient

    return await _with(CurlClient(policy=HERE), url, count)


async def _with(client: Client, url: str, count: int) -> tuple[float, int]:
    request = Outgoing(url=url, body=BODY, headers=HEADERS, timeout_s=TIMEOUT_S)

    async def send() -> bool:
        answer = await client.send(request)
        return isinstance(answer, Answer) and answer.status == 200

    found = await _measured(send, count)
    await client.close()
    return found


async def with_aiohttp(url: str, count: int) -> tuple[float, int]:
    """Send with aiohttp as its documentation does, no policy, no bounds."""
    timeout = ClientTimeout(total=TIMEOUT_S)
    async with ClientSession(connector=TCPConnector(limit=0), timeout=timeout) as session:

        async def send() -> bool:
            async with session.post(url, data=BODY, headers=HEADERS, allow_redirects=False) as response:
                await response.read()
                return response.status == 200

        return await _measured(send, count)


async def with_nothing(url: str, count: int) -> tuple[float, int]:
    """Write and count what comes back."""
    parts = urlsplit(url)
    lines = [f"POST {parts.path} HTTP/1.1", f"Host: {parts.netloc}", f"Content-Length: {len(BODY)}"]
    lines += [f"{name}: {value}" for name, value in HEADERS]
    request = "\r\n".join([*lines, "", ""]).encode() + BODY
    loop = asyncio.get_running_loop()
    made = [await loop.create_connection(Bare, parts.hostname, parts.port) for _ in range(CONNECTIONS)]
    share = count // CONNECTIONS
    await asyncio.gather(*(bare.send(request, 20) for _, bare in made))
    began_s = time.process_time()
    await asyncio.gather(*(bare.send(request, share) for _, bare in made))
    used_s = time.process_time() - began_s
    for transport, _ in made:
        transport.close()
    return used_s / (share * CONNECTIONS) * 1e6, share * CONNECTIONS


async def _measured(send: Send, count: int) -> tuple[float, int]:
    """Return the CPU µs of one, and how many were answered 200."""
    good = 0

    async def one_after_the_other(times: int) -> None:
        nonlocal good
        for _ in range(times):
            is_good = await send()  # `good += await` would add to what it was before
            good += is_good

    await asyncio.gather(*(one_after_the_other(20) for _ in range(CONNECTIONS)))
    good = 0
    began_s = time.process_time()
    await asyncio.gather(*(one_after_the_other(count // CONNECTIONS) for _ in range(CONNECTIONS)))
    return (time.process_time() - began_s) / (count // CONNECTIONS * CONNECTIONS) * 1e6, good


def with_pycurl(url: str, count: int) -> tuple[float, int]:
    """Send with curl's multi interface, its sockets watched with epoll; the policy as a callback."""
    import pycurl

    multi, epoll = pycurl.CurlMulti(), select.epoll()
    good = 0

    def watch(what: int, fd: int, _multi: object, known: object) -> None:
        if what == pycurl.POLL_REMOVE:
            epoll.unregister(fd)
            return
        mask = (select.EPOLLIN if what & pycurl.POLL_IN else 0) | (
            select.EPOLLOUT if what & pycurl.POLL_OUT else 0
        )
        if known is None:
            epoll.register(fd, mask)
            multi.assign(fd, True)
        else:
            epoll.modify(fd, mask)

    multi.setopt(pycurl.M_SOCKETFUNCTION, watch)
    multi.setopt(pycurl.M_TIMERFUNCTION, lambda _: None)
    multi.setopt(pycurl.M_MAXCONNECTS, CONNECTIONS)
    handles = [_handle(pycurl, url) for _ in range(CONNECTIONS)]

    def drive(total: int) -> None:
        nonlocal good
        begun = done = 0
        idle = [*handles]
        while done < total:
            while idle and begun < total:
                multi.add_handle(idle.pop())
                begun += 1
                multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
            for fd, event in epoll.poll(0.1):
                ready = (pycurl.CSELECT_IN if event & ~select.EPOLLOUT else 0) | (
                    pycurl.CSELECT_OUT if event & select.EPOLLOUT else 0
                )
                multi.socket_action(fd, ready)
            _, finished, failed = multi.info_read()
            for handle in (*finished, *(each[0] for each in failed)):
                good += handle.getinfo(pycurl.RESPONSE_CODE) == 200
                multi.remove_handle(handle)
                idle.append(handle)
                done += 1

    drive(20 * CONNECTIONS)
    good = 0
    began_s = time.process_time()
    drive(count)
    return (time.process_time() - began_s) / count * 1e6, good


def _handle(pycurl, url: str):  # type: ignore[no-untyped-def]  # it has no types
    handle = pycurl.Curl()
    handle.setopt(pycurl.URL, url)
    handle.setopt(pycurl.POSTFIELDS, BODY)
    handle.setopt(pycurl.HTTPHEADER, [f"{name}: {value}" for name, value in HEADERS] + ["Expect:"])
    handle.setopt(pycurl.WRITEFUNCTION, lambda _: None)
    handle.setopt(pycurl.HEADERFUNCTION, lambda _: None)
    handle.setopt(pycurl.TIMEOUT_MS, int(TIMEOUT_S * 1e3))
    handle.setopt(pycurl.NOSIGNAL, 1)
    return handle


LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
WAYS = {
    "trackside on curl": with_curl_client,
    "trackside on aiohttp": with_aiohttp_client,
    "aiohttp": with_aiohttp,
    "limit": with_nothing,
}


def main() -> None:
    """Do what the arguments say; print what it cost as JSON."""
    if sys.argv[1] == "receive":
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(receive())
        return
    name, url, count = sys.argv[2], sys.argv[3], int(sys.argv[4])
    if name == "pycurl":
        cpu_us, good = with_pycurl(url, count)
    else:
        way, loop = name.split("+")
        with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
            cpu_us, good = runner.run(WAYS[way](url, count))
    print(json.dumps({"cpu_us": cpu_us, "good": good}))


if __name__ == "__main__":
    main()
