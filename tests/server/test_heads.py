# ruff: noqa: D102  # doubles of asyncio and of our own parts
"""A head that was parsed before means the same when it is only recognised."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st
from uvicorn.server import ServerState

from trackside.server.body import Buffers
from trackside.server.collector import Client
from trackside.server.connection import Connection
from trackside.server.heads import LONGEST_HEAD_BYTES, MOST_HEADS, Head, KnownHeads
from trackside.sources.base import Reply

OK = Reply(status=200, body=b"ok")


def a_head(**changes: Any) -> Head:
    fields = {"method": "POST", "path": "/v1/track", "query": b"", "headers": {}, "scheme": "http"}
    return Head(**{**fields, **changes})


def a_request(body: bytes = b"body", *, more: bytes = b"", length: bytes | None = None) -> bytes:
    digits = b"%d" % len(body) if length is None else length
    return (
        b"POST /v1/track HTTP/1.1\r\nHost: a\r\nContent-Length: " + digits + b"\r\n" + more + b"\r\n" + body
    )


def test_a_head_is_found_with_bodies_of_any_length() -> None:
    known, head = KnownHeads(), a_head()
    assert known.find(a_request()) is None
    known.learn(a_request(), head)
    for body in (b"body", b"", b"{}", b"x" * 70_000):
        assert known.find(a_request(body)) == (head, body)


@pytest.mark.parametrize(
    "request_bytes",
    [
        a_request(more=b"X-Other: 1\r\n"),
        a_request(length=b"3"),
        a_request(length=b"5"),
        a_request(length=b"+4"),
        a_request(length=b"4_0"),
        a_request(length=b""),
        a_request(length=b"4" * 5_000),
        a_request() + a_request(),
        a_request()[:-1],
        a_request()[:20],
        b"\r\n" + a_request(),
        b"",
        b"\r\n\r\n",
    ],
)
def test_anything_else_is_left_to_the_parser(request_bytes: bytes) -> None:
    known = KnownHeads()
    known.learn(a_request(), a_head())
    assert known.find(request_bytes) is None


@pytest.mark.parametrize(
    ("request_bytes", "headers"),
    [
        (b"POST /v1/track HTTP/1.1\r\nX-Strength: 4\r\nContent-Length: 4\r\n\r\nbody", {}),
        (b"POST /v1/track HTTP/1.1\r\nContent-Length: 4\r\n\r\nbodybody", {}),
        (a_request(), {b"content-encoding": b"gzip"}),
        (a_request(), {b"transfer-encoding": b"chunked"}),
        (a_request(more=b"X-Long: " + b"x" * LONGEST_HEAD_BYTES + b"\r\n"), {}),
    ],
)
def test_what_does_not_say_all_of_its_body_is_not_remembered(
    request_bytes: bytes, headers: dict[bytes, bytes]
) -> None:
    known = KnownHeads()
    known.learn(request_bytes, a_head(headers=headers))
    assert known.find(request_bytes) is None


def test_the_table_is_bounded() -> None:
    known = KnownHeads()
    for number in range(3 * MOST_HEADS):
        known.learn(a_request(more=b"X-Number: %d\r\n" % number), a_head())
        assert len(known._heads) <= MOST_HEADS


class Forgetful(KnownHeads):
    """Sends every request through the parser."""

    def find(self, data: bytes) -> None:
        return None


class Collector:
    """Notes what it is given, and answers at once."""

    body_limit = 1_000
    buffers = Buffers(1_000_000)

    def __init__(self) -> None:
        self.taken: list[tuple[Head, bytes | str, str | None]] = []

    def take(self, head: Head, body: bytes, client: Client, answer: Callable[[Reply], None]) -> None:
        self.taken.append((head, body, client.peer))
        answer(OK)

    def refuse(self, refused: Exception, head: Head, client: Client, answer: Callable[[Reply], None]) -> None:
        self.taken.append((head, str(refused), client.peer))
        answer(OK)


class Transport(asyncio.Transport):
    """Notes what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        """Everything is here already."""

    resume_reading = pause_reading

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("127.0.0.1", 1) if name in {"peername", "sockname"} else default


async def _no_application(scope: Any, receive: Any, send: Any) -> None:
    """Take what the collector's short way does not."""


async def _outcome(
    requests: list[bytes], heads: KnownHeads
) -> tuple[list[tuple[Head, bytes | str, str | None]], list[bytes], bool]:
    """Return what the collector was given and what was answered, each request sent in one piece."""
    collector = Collector()
    kind = type(
        "Tested",
        (Connection,),
        {"collector": collector, "collects": staticmethod("/v1/track".__eq__), "heads": heads},
    )
    config = uvicorn.Config(_no_application, http=kind, ws="none", lifespan="off", log_config=None)
    config.load()
    connection = kind(config, ServerState(), {}, asyncio.get_running_loop())
    transport = Transport()
    connection.connection_made(transport)
    for request in requests:
        connection.data_received(request)
    return collector.taken, transport.written, transport.closed


LENGTH_LINES = st.sampled_from(
    [
        b"Content-Length: %d\r\n",
        b"content-length: %d\r\n",
        b"Content-Length:%d\r\n",
        b"Content-Length:  %d\r\n",
        b"Content-Length: 0%d\r\n",
        b"Content-Length: %d \r\n",
        b"X-Strength: 4\r\nContent-Length: %d\r\n",
        b"Content-Length: %d\r\nX-Strength: 4\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"",
    ]
)
OTHER_LINES = st.sampled_from(
    [
        b"",
        b"Origin: http://a\r\n",
        b"Connection: close\r\n",
        b"Connection: keep-alive\r\n",
        b"X: \r\n",
        b"broken\r\n",
    ]
)
FIRST_LINES = st.sampled_from(
    [
        b"POST /v1/track HTTP/1.1\r\n",
        b"POST /v1/track?a=1 HTTP/1.1\r\n",
        b"POST /v1/track HTTP/1.0\r\n",
        b"\r\n",
    ]
)


@st.composite
def _requests(draw: st.DrawFn) -> bytes:
    body = draw(
        st.sampled_from([b"", b"{}", b'{"a":1}', b"x" * 1_200, b"0\r\n\r\n", b"2\r\n{}\r\n0\r\n\r\n"])
    )
    length = draw(LENGTH_LINES)
    said = len(body) + draw(st.sampled_from([0, 0, 0, 0, 1, -1]))
    lines = length % max(said, 0) if b"%d" in length else length
    return draw(FIRST_LINES) + b"Host: a\r\n" + lines + draw(OTHER_LINES) + b"\r\n" + body


@given(st.lists(_requests(), max_size=3).map(lambda several: several * 3))
def test_known_or_parsed_a_request_is_the_same(requests: list[bytes]) -> None:
    """Also where it is broken: with the table and without it the same is taken and the same is answered."""

    async def both() -> None:
        assert await _outcome(requests, KnownHeads()) == await _outcome(requests, Forgetful())

    asyncio.run(both())


def test_a_connection_learns() -> None:
    """The comparison above would prove nothing if no head were ever found."""
    found = []

    class Watched(KnownHeads):
        def find(self, data: bytes) -> tuple[Head, bytes] | None:
            found.append(super().find(data))
            return found[-1]

    taken, written, _ = asyncio.run(_outcome([a_request(), a_request(b"other body")], Watched()))
    assert [each is not None for each in found] == [False, True]
    assert [body for _, body, _ in taken] == [b"body", b"other body"]
    assert len(written) == 2
    assert taken[0][0] == taken[1][0]


def test_a_late_date_is_not_remembered() -> None:
    """An answer made before is used again only while the headers of every answer are the same."""
    from trackside.server.exchange import _written

    first = [(b"date", b"one")]
    assert b"date: one" in _written(OK, first, True)
    assert b"date: two" in _written(OK, [(b"date", b"two")], True)
    assert b"connection: close" in _written(OK, first, False)
    assert b"HTTP/1.1 404" in _written(Reply(status=404), first, False)
