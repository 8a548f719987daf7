"""Segment's webhook on a running server, as Segment's servers speak to it over HTTP."""

import gzip
import http.client
import json
import shutil
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.running import RunningServer, eventually, start_server
from tests.sources.segment_webhook.requests import call
from tests.sources.segment_webhook.test_lines import PINNED, pinned_call

pytestmark = pytest.mark.slow

SECRET = "a b+c/é%&=ö"
QUERY = "key=a%20b%2Bc%2F%C3%A9%25%26%3D%C3%B6"
PATH = "/segmentio/event"
CONFIG = f"""
[sources.web]
kind = "segment"
write_key = "k"
[sources.mobile]
kind = "segment_webhook"
secret = "{SECRET}"
[sources.old]
kind = "segment_webhook"
path = "/segmentio/2014"
generation = "2014"
secret = "x"
users = "any"
[destinations.tracking_log]
kind = "tracking_log"
"""
CORS = "access-control-allow-origin"


def start(data_dir: Path) -> RunningServer:
    """Return a server that knows two accounts."""
    data_dir.mkdir(mode=0o700)
    (data_dir / "trackside.toml").write_text(CONFIG, encoding="utf-8")
    running = start_server(data_dir)
    accounts = data_dir.parent / "accounts.csv"
    accounts.write_text("id,username\n1,honor\n2,audit\n")
    running.trackside("users", "import", str(accounts))
    assert eventually(
        lambda: taken(running, "known")
    )  # within a second the server sees that there is a table
    return running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Return a server with two webhooks; that it ends with 0 is part of every test."""
    running = start(tmp_path_factory.mktemp("webhook") / "data")
    yield running
    assert running.stop() == 0, running.output.read_text()


def ask(
    server: RunningServer, method: str, path: str, body: Any = b"", headers: dict[str, str] | None = None
) -> tuple[int, list[tuple[str, str]], bytes]:
    """Return the status, the headers and the body of an answer; an iterable body goes in chunks."""
    host, port = server.url.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=10)
    given = {"Content-Type": "application/json", "Host": "testserver", **(headers or {})}
    connection.request(method, path, body, given, encode_chunked=not isinstance(body, bytes))
    response = connection.getresponse()
    answer = response.read()
    connection.close()
    return response.status, [(name.lower(), value) for name, value in response.getheaders()], answer


def post(server: RunningServer, said: Any, *, query: str = QUERY, **more: Any) -> tuple[int, bytes]:
    """Return the status and the body of the answer to a call."""
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    status, _, answer = ask(
        server, more.pop("method", "POST"), f"{PATH}?{query}", body, more.pop("headers", None)
    )
    return status, answer


def lines(server: RunningServer, **fields: Any) -> list[dict[str, Any]]:
    """Return the lines of the tracking log that say this."""
    return [line for line in server.tracking_lines() if fields.items() <= line.items()]


def taken(server: RunningServer, name: str) -> bool:
    """Return whether an event of this name, of a known account, comes through."""
    said = call(userId=1, messageId=...)
    said["properties"]["name"] = f"edx.test.{name}"
    status, _ = post(server, said)
    return status == 200 and eventually(lambda: bool(lines(server, name=f"edx.test.{name}")), timeout_s=2)


def test_the_pinned_call(server: RunningServer) -> None:
    """Posted by the standard library, it is the line that the platform wrote, in its order."""
    request = urllib.request.Request(
        f"{server.url}{PATH}?{QUERY}",
        json.dumps({**pinned_call(), "messageId": "pinned"}).encode(),
        {"Content-Type": "application/json", "Host": "testserver", "User-Agent": "Segment.io/1.0"},
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        assert (response.status, response.read()) == (200, b"")
    assert eventually(lambda: bool(lines(server, name="edx.video.played")))
    (line,) = lines(server, name="edx.video.played")
    assert line == PINNED
    assert list(line) == list(PINNED)
    (event,) = [each for each in server.events() if each["id"] == "pinned"]
    assert (event["source"], event["user_id"], event["type"]) == ("mobile", "1", "track")
    assert post(server, {**pinned_call(), "messageId": "pinned"})[0] == 200
    assert taken(server, "behind.the.pinned")
    assert len(lines(server, name="edx.video.played")) == 1


@pytest.mark.parametrize(
    "query", ["", "key=", "key=x", "key=%C3%A9", "key=é", "key=\xff", QUERY + "&key=x", QUERY[:-3]]
)
def test_without_the_key(server: RunningServer, query: str) -> None:
    """401, whatever it is instead; a path with bytes beyond ASCII is no HTTP, and 400."""
    body = json.dumps(call(userId=1)).encode()
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        head = f"POST {PATH}?{query} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        connection.sendall(head.encode("latin-1") + b"content-length: %d\r\n\r\n" % len(body) + body)
        assert connection.recv(12) == (b"HTTP/1.1 401" if query.isascii() else b"HTTP/1.1 400")


def test_what_is_answered(server: RunningServer) -> None:
    """405, 400 and 200 as documented; a refusal is found among the rejects."""
    for method in ("GET", "DELETE", "HEAD"):
        status, headers, _ = ask(server, method, f"{PATH}?{QUERY}")
        assert (status, dict(headers)["allow"]) == (405, "POST, PUT, PATCH")
    assert post(server, b"{") == (400, b'{"error": "Invalid JSON"}')
    assert post(server, call(userId=40)) == (200, b"")
    assert post(server, call(type="screen")) == (200, b"")
    assert post(server, b"x", headers={"Content-Type": "text/plain"}) == (200, b"")
    printed = server.trackside("rejects", "--source", "mobile")
    for reason in ("invalid_json", "unknown_user", "invalid_content_type"):
        assert reason in printed


@pytest.mark.parametrize("path", [PATH, PATH + "/", "/segmentio/%65vent", "/%73egmentio/event/"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_paths_and_methods(server: RunningServer, path: str, method: str) -> None:
    """With the slash, with percent signs, by any method Segment can be set to."""
    name = f"edx.test.{method}.{path}"
    said = call(userId=2, messageId=name)
    said["properties"]["name"] = name
    assert ask(server, method, f"{path}?{QUERY}", json.dumps(said).encode())[::2] == (200, b"")
    assert eventually(lambda: bool(lines(server, name=name)))
    (line,) = lines(server, name=name)
    assert (line["username"], line["context"]["path"]) == ("audit", PATH + "/" * path.endswith("/"))


def test_bodies_of_all_kinds(server: RunningServer) -> None:
    """A batch, one in chunks, one compressed, one whose users are not known yet."""
    batch = [call(userId=user, messageId=f"batch-{number}") for number, user in enumerate((1, 2, 40, 1))]
    whole = json.dumps(batch).encode()
    parts = (whole[start : start + 700] for start in range(0, len(whole), 700))
    assert ask(server, "POST", f"{PATH}?{QUERY}", parts)[0] == 200
    zipped = gzip.compress(json.dumps(call(userId=1, messageId="zipped")).encode())
    assert post(server, zipped, headers={"Content-Encoding": "gzip"})[0] == 200
    assert post(server, zipped[:-9], headers={"Content-Encoding": "gzip"})[0] == 400
    wanted = {"batch-0", "batch-1", "batch-3", "zipped"}
    assert eventually(lambda: wanted <= {event["id"] for event in server.events()})
    assert "batch-2" not in {event["id"] for event in server.events()}


def test_the_generation_of_2014(server: RunningServer) -> None:
    """It answers in JSON, beside the other one."""
    said = {"event_type": "edx.old", "event": "text", "context": {}}
    body = json.dumps(call(channel="mobile", action="Track", properties=said, userId="anyone")).encode()
    assert ask(server, "POST", "/segmentio/2014?key=x", body)[::2] == (200, b'{\n  "committed": true\n}')
    status, _, answer = ask(server, "POST", "/segmentio/2014?key=y", body)
    assert (status, json.loads(answer)) == (401, {"committed": False, "message": "Unauthorized"})
    assert eventually(lambda: bool(lines(server, name="edx.old")))
    (line,) = lines(server, name="edx.old")
    assert (line["username"], line["context"]["user_id"], line["event"]) == ("", "anyone", "text")


@pytest.mark.parametrize("method", ["OPTIONS", "HEAD", "POST", "PUT"])
@pytest.mark.parametrize("query", [QUERY, ""])
def test_pages_are_answered_once(server: RunningServer, method: str, query: str) -> None:
    """No header about origins is there twice: browsers would refuse the answer."""
    headers = {"Origin": "https://x.example", "Access-Control-Request-Method": "POST"}
    status, answered, _ = ask(server, method, f"{PATH}?{query}", b"{}", headers)
    assert status < 500
    names = [name for name, _ in answered]
    assert [name for name in set(names) if names.count(name) > 1 and name != "vary"] == []


def test_users_that_cannot_be_looked_up(tmp_path: Path) -> None:
    """While the table of users cannot be read Segment is told to come again, and nothing is lost but time."""
    server = start(tmp_path / "data")
    table = server.data_dir / "users.db"
    kept = tmp_path / "kept.db"
    shutil.copy(table, kept)
    try:
        for number, spoil in enumerate((_fill_with_garbage, _make_a_folder)):
            spoil(table)
            late = call(userId=2, messageId=f"late-{number}")
            assert eventually(lambda late=late: post(server, late)[0] == 503, timeout_s=5)  # type: ignore[misc]
            status, headers, answer = ask(server, "POST", f"{PATH}?{QUERY}", json.dumps(late).encode())
            assert (status, json.loads(answer)["code"]) == (503, "users_unavailable")
            assert int(dict(headers)["retry-after"]) > 0
            _clear_away(table)
            shutil.copy(kept, table)
            assert eventually(lambda late=late: post(server, late)[0] == 200, timeout_s=10)  # type: ignore[misc]
        stored = [event["id"] for event in server.events()]
        assert [stored.count(f"late-{number}") for number in (0, 1)] == [1, 1]
    finally:
        assert server.stop() == 0


def _fill_with_garbage(table: Path) -> None:
    _clear_away(table)
    table.write_bytes(b"no database" * 1_000)


def _make_a_folder(table: Path) -> None:
    _clear_away(table)
    table.mkdir()


def _clear_away(table: Path) -> None:
    if table.is_dir():
        table.rmdir()
    for each in table.parent.glob("users.db*"):
        each.unlink()
