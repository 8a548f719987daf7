"""AppRTC's clients against a running server, as they speak to it over HTTP."""

import http.client
import json
import time
from collections.abc import Iterator

import pytest

from tests.e2e.running import RunningServer, start_server

pytestmark = pytest.mark.slow

CONFIG = """
[sources.web]
kind = "segment"
write_key = "k"
[sources.rtc]
kind = "apprtc"
[destinations.tracking_log]
kind = "tracking_log"
"""
SUCCESS = b'{"result": "SUCCESS"}'
INVALID = b'{"result": "INVALID_REQUEST"}'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Return a server with an analytics page; that it ends with 0 is part of every test."""
    data_dir = tmp_path_factory.mktemp("rtc") / "data"
    data_dir.mkdir(mode=0o700)
    (data_dir / "trackside.toml").write_text(CONFIG)
    running = start_server(data_dir)
    yield running
    assert running.stop() == 0, running.output.read_text()


def ask(
    server: RunningServer, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    host, port = server.url.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=10)
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    answer = response.read()
    connection.close()
    return response.status, {name.lower(): value for name, value in response.getheaders()}, answer


def test_a_report_reaches_the_tracking_log(server: RunningServer) -> None:
    """A page with a clock one day slow tells of something 2 s ago."""
    day_ago = int(time.time() * 1000) - 86_400_000
    body = {"type": "event", "request_time_ms": day_ago, "client_type": 1}
    body["event"] = {"event_type": 3, "event_time_ms": day_ago - 2_000, "room_id": "r", "flow_id": 7}
    headers = {"Content-Type": "text/plain;charset=UTF-8", "Origin": "https://rtc.example.org"}
    status, answered, answer = ask(server, "POST", "/a/", json.dumps(body).encode(), headers)
    assert (status, answer, answered["content-type"]) == (200, SUCCESS, "application/json")
    assert answered["access-control-allow-origin"] == "*"
    assert server.logged(1)
    (event,) = server.events()
    assert (event["source"], event["name"]) == ("rtc", "ICE_CONNECTION_STATE_CONNECTED")
    assert (event["original_timestamp"], event["sent_at"]) == (str(day_ago - 2_000), str(day_ago))
    assert 86_399_000 < event["skew_ms"] < 86_460_000
    (line,) = server.tracking_lines()
    assert list(line) == [
        *("name", "context", "username", "session", "ip", "agent", "host", "referer", "accept_language"),
        *("event", "time", "event_type", "event_source", "page"),
    ]
    assert json.loads(line["event"]) == {
        "event_type": "ICE_CONNECTION_STATE_CONNECTED",
        "room_id": "r",
        "flow_id": 7,
        "client_type": "JS",
    }
    assert (line["event_source"], line["ip"]) == ("browser", "127.0.0.1")
    assert line["context"]["path"] == "/a/"


def test_every_other_request_is_answered(server: RunningServer) -> None:
    """Without the slash, with percent signs, with other methods, with junk."""
    for path in ("/a/", "/a", "/%61/"):
        assert ask(server, "POST", path, b"[]")[::2] == (200, INVALID)
    for method in ("GET", "PUT", "DELETE"):
        status, headers, answer = ask(server, method, "/a/")
        assert (status, headers["allow"], answer) == (405, "POST", INVALID)
    status, headers, answer = ask(server, "HEAD", "/a/")
    assert (status, headers["allow"], answer) == (405, "POST", b"")
    asked = {"Origin": "https://rtc.example.org", "Access-Control-Request-Method": "POST"}
    status, headers, answer = ask(server, "OPTIONS", "/a/", b"", asked)
    assert (status, headers["access-control-allow-origin"], answer) == (204, "*", b"")
