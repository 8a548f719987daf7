"""Connections that misbehave: half requests, heads without end, too many at once; the others notice nothing."""

import http.client
import json
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from tests.e2e.running import RunningServer, eventually, start_server

pytestmark = pytest.mark.faults

CONFIG = """
[sources.web]
kind = "segment"
write_key = "k"
[limits]
request_s = 1.5
idle_s = 3
connections = 12000
body_bytes = 200000
"""
EVENT = b'{"event":"x","userId":"1","type":"track"}'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Return a server with short patience."""
    data_dir = tmp_path_factory.mktemp("connections") / "data"
    data_dir.mkdir(mode=0o700)
    (data_dir / "trackside.toml").write_text(CONFIG)
    running = start_server(data_dir)
    yield running
    assert running.stop() == 0


def connect(server: RunningServer) -> socket.socket:
    host, port = server.url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=10)
    connection.settimeout(10)
    return connection


def post(
    server: RunningServer, body: bytes = EVENT, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, object]]:
    host, port = server.url.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=10)
    connection.request("POST", "/v1/track?writeKey=k", body, headers or {})
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    return response.status, answer


def closes(connection: socket.socket) -> bool:
    """Return whether the server closes the connection within the test's patience."""
    try:
        while connection.recv(65_536):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


@pytest.mark.parametrize(
    "half",
    [
        b"POST /v1/track HTT",
        b"POST /v1/track HTTP/1.1\r\nhost: x\r\n",
        b"POST /v1/track HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{",
        b'POST /v1/track HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{"a":',
        b"",
    ],
)
def test_half_a_request_is_closed(server: RunningServer, half: bytes) -> None:
    """A client that stops in the middle holds a connection for a bounded time."""
    with connect(server) as connection:
        connection.sendall(half)
        assert closes(connection)
    assert post(server)[0] == 200


def test_a_slow_client_is_cut_off(server: RunningServer) -> None:
    """A byte now and then does not extend the time."""
    with connect(server) as connection:
        connection.sendall(b"POST /v1/track HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n")

        def gone() -> bool:
            try:
                connection.sendall(b" ")
            except OSError:
                return True
            return False

        assert eventually(gone, timeout_s=8)


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\r\n\r\n\r\nPOST",
        b"GET \xff\xfe HTTP/1.1\r\n\r\n",
        b"POST http://[ HTTP/1.1\r\n\r\n",
        b"POST /v1/track HTTP/1.1\r\ncontent-length: -5\r\n\r\n",
        b"POST /v1/track HTTP/1.1\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nabcdef",
        b"POST /v1/track HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nZZZ\r\n",
    ],
)
def test_garbage_is_answered_or_closed(server: RunningServer, garbage: bytes) -> None:
    """What is not HTTP gets 400 or a closed connection, never 500."""
    with connect(server) as connection:
        connection.sendall(garbage)
        answer = b""
        with suppress(ConnectionError):
            while part := connection.recv(65_536):
                answer += part
        assert answer == b"" or answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 404"))
    assert post(server)[0] == 200


def test_a_head_without_end(server: RunningServer) -> None:
    """Headers are bounded: 431."""
    with connect(server) as connection:
        with suppress(OSError):
            connection.sendall(b"GET /v1/track HTTP/1.1\r\n")
            for number in range(100):
                connection.sendall(b"x-%d: %b\r\n" % (number, b"a" * 4_000))
        with suppress(ConnectionError):  # the reset may overtake the answer
            assert connection.recv(12) == b"HTTP/1.1 431"
    assert post(server)[0] == 200


def test_a_head_in_one_segment_with_a_large_body(server: RunningServer) -> None:
    """The bytes of the request before do not count as the next one's head."""
    body = b" " * 150_000 + EVENT
    head = b"POST /v1/track?writeKey=k HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n"
    with connect(server) as connection:
        connection.sendall(head % len(body) + body + head[:20])
        assert connection.recv(12) == b"HTTP/1.1 400"  # one event may not be as large
        connection.sendall(head[20:] % len(EVENT) + EVENT)
        answer = b""
        while b'{"success": true}' not in answer:
            part = connection.recv(65_536)
            assert part, answer
            answer += part


def test_trailers_without_end(server: RunningServer) -> None:
    """What follows the last chunk is bounded as the head is: 431."""
    with connect(server) as connection:
        with suppress(OSError):
            connection.sendall(
                b"POST /v1/track HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
            )
            for number in range(100):
                connection.sendall(b"x-%d: %b\r\n" % (number, b"a" * 40_000))
        with suppress(ConnectionError):  # the reset may overtake the answer
            assert connection.recv(12) == b"HTTP/1.1 431"
    assert post(server)[0] == 200


@pytest.mark.parametrize("upgrade", ["h2c", "websocket"])
def test_an_upgrade_is_ignored(server: RunningServer, upgrade: str) -> None:
    """Clients that would rather speak another protocol have their events taken all the same."""
    headers = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": upgrade, "HTTP2-Settings": "AAMAAABk"}
    assert post(server, EVENT, headers) == (200, {"success": True})


def test_a_body_that_is_too_large(server: RunningServer) -> None:
    """It is read and refused; the client gets to see why."""
    status, answer = post(server, b" " * 300_000)
    assert (status, answer["code"], answer["success"]) == (400, "request_too_large", False)


def test_chunked_without_a_length(server: RunningServer) -> None:
    """Mobile SDKs send their bodies in chunks."""
    with connect(server) as connection:
        connection.sendall(
            b"POST /v1/track?writeKey=k HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        for start in range(0, len(EVENT), 7):
            part = EVENT[start : start + 7]
            connection.sendall(b"%x\r\n%b\r\n" % (len(part), part))
        connection.sendall(b"0\r\n\r\n")
        assert connection.recv(12) == b"HTTP/1.1 200"


def test_pipelined_requests(server: RunningServer) -> None:
    """Requests sent without waiting are answered in order."""
    request = b"POST /v1/track?writeKey=k HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%b" % (
        len(EVENT),
        EVENT,
    )
    with connect(server) as connection:
        connection.sendall(request * 20)
        answer = b""
        while answer.count(b'{"success": true}') < 20:
            part = connection.recv(65_536)
            assert part, answer
            answer += part
        assert answer.count(b"HTTP/1.1 200") == 20


def test_ten_thousand_idle_connections(server: RunningServer) -> None:
    """Others are served as before, and those who never ask are closed in the end."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = min(10_000, hard - 1_000)
    with ExitStack() as open_connections:
        idle = [open_connections.enter_context(connect(server)) for _ in range(count)]
        assert post(server)[0] == 200
        assert eventually(lambda: closes(idle[0]) and closes(idle[-1]), timeout_s=30)
    assert post(server)[0] == 200


def test_a_path_of_the_api_that_does_not_exist(server: RunningServer) -> None:
    """A page with a mistyped path may read that it is a 404."""
    host, port = server.url.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=10)
    connection.request("POST", "/v1/trakc", EVENT, {"Origin": "https://site.example"})
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    assert (response.status, answer["code"]) == (404, "not_found")
    assert response.headers["Access-Control-Allow-Origin"] == "*"
