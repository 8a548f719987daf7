"""A webhook whose senders misbehave, or all come at once with users nobody has looked up yet."""

import json
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.running import RunningServer, _environment, eventually, start_server
from tests.sources.segment_webhook.requests import call

pytestmark = pytest.mark.faults

CONFIG = """
[sources.web]
kind = "segment"
write_key = "k"
[sources.mobile]
kind = "segment_webhook"
secret = "k"
[sources.signed]
kind = "segment_webhook"
path = "/signed"
shared_secret = "shh"
[limits]
request_s = 1.5
"""
ACCOUNTS = 100_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Return a server with short patience that knows many accounts."""
    data_dir = tmp_path_factory.mktemp("webhook") / "data"
    data_dir.mkdir(mode=0o700)
    (data_dir / "trackside.toml").write_text(CONFIG)
    with_accounts(data_dir)
    running = start_server(data_dir)
    running.trackside("users", "import", str(data_dir.parent / "accounts.csv"))
    assert eventually(lambda: post(running, call(userId=1)) == 200 and stored(running) > 0)
    yield running
    assert running.stop() == 0


def with_accounts(data_dir: Path) -> None:
    listed = "".join(f"{number},user-{number}\n" for number in range(1, ACCOUNTS + 1))
    (data_dir.parent / "accounts.csv").write_text("id,username\n" + listed)


def stored(server: RunningServer) -> int:
    return int(json.loads(server.trackside("status", "--json"))["log"]["events"])


def connect(server: RunningServer) -> socket.socket:
    host, port = server.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=20)


def request(body: Any, path: str = "/segmentio/event?key=k") -> bytes:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    return head.encode() + b"content-length: %d\r\n\r\n%b" % (len(text), text)


def statuses(connection: socket.socket, count: int) -> list[int]:
    """Return the statuses of so many answers, or of as many as come."""
    answered = b""
    with suppress(ConnectionError):
        while answered.count(b"HTTP/1.1 ") < count or not answered.endswith((b"\r\n\r\n", b"}")):
            part = connection.recv(65_536)
            if not part:
                break
            answered += part
    return [int(part[:3]) for part in answered.split(b"HTTP/1.1 ")[1:]]


def post(server: RunningServer, body: Any, path: str = "/segmentio/event?key=k") -> int:
    with connect(server) as connection:
        with suppress(ConnectionError):
            connection.sendall(request(body, path))
        return (statuses(connection, 1) or [0])[0]


HOSTILE = [
    b"[" * 1_000_000,
    b"[" * 500_000 + b"]" * 500_000,
    b'{"a":' * 200_000 + b"1" + b"}" * 200_000,
    b'{"properties":{"data":' + b'{"a":' * 150_000 + b"1" + b"}" * 150_001 + b"}",
    b"[" + b"{}," * 1_500_000 + b"{}]",
    b'"' + b"\\ud800" * 500_000 + b'"',
    b"9" * 4_000_000,
    b"{" * 10_000_000,
    b"\x00" * 1_000_000,
]


@pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("path", ["/segmentio/event?key=k", "/segmentio/event?key=x", "/signed"])
def test_hostile_bodies(server: RunningServer, body: bytes, path: str) -> None:
    """Each is answered, at once for everybody else too."""
    assert post(server, body, path) in ({200, 400} if path.endswith("=k") else {401, 400})
    assert post(server, call(userId=1)) == 200


def test_half_requests_and_slow_senders(server: RunningServer) -> None:
    """They are cut off, and none of it is an event."""
    whole = request(call(userId=2, messageId="half"))
    with connect(server) as half, connect(server) as slow:
        half.sendall(whole[:-1])
        slow.sendall(whole[:200])

        def gone() -> bool:
            try:
                slow.sendall(b" ")
            except OSError:
                return True
            return False

        assert eventually(gone, timeout_s=8)
        assert statuses(half, 1) == []
    assert "half" not in {event["id"] for event in server.events()}


def test_pipelined_requests_are_answered_in_order(server: RunningServer) -> None:
    """Also where an early one waits for its users, and a later one is refused at once."""
    with connect(server) as connection:
        for start in range(0, 200, 20):
            some = [request(call(userId=ACCOUNTS - number)) for number in range(start, start + 20)]
            some[3], some[7] = request(b"{"), request(call(userId=1), "/segmentio/event?key=x")
            some[11] = request(call(userId=1))
            connection.sendall(b"".join(some))
            expected = [200] * 20
            expected[3], expected[7] = 400, 401
            assert statuses(connection, 20) == expected


def test_thousands_of_users_at_once_during_an_import(server: RunningServer) -> None:
    """Each is answered within Segment's patience: taken once, or told to come again; nobody is refused as unknown."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    before = stored(server)
    accounts = str(server.data_dir.parent / "accounts.csv")
    command = [
        sys.executable,
        "-m",
        "trackside",
        "users",
        "import",
        accounts,
        "--data-dir",
        str(server.data_dir),
    ]
    importing = subprocess.Popen(
        command, env=_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    waiting = list(range(10_000, 12_000))
    rounds = 0
    while waiting and rounds < 20:
        rounds += 1
        with ExitStack() as crowd:
            connections = [crowd.enter_context(connect(server)) for _ in waiting]
            for user, connection in zip(waiting, connections, strict=True):
                connection.sendall(request(call(userId=user, messageId=f"crowd-{user}")))
            answered = [statuses(connection, 1)[0] for connection in connections]
        assert set(answered) <= {200, 503}
        waiting = [user for user, status in zip(waiting, answered, strict=True) if status != 200]
    assert importing.wait(60) == 0
    assert not waiting
    assert stored(server) == before + 2_000
