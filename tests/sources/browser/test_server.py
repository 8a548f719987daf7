"""Browser events against a running server, as pages send them over HTTP."""

import http.client
import json
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from tests.e2e.running import RunningServer, start_server
from tests.sources.browser.requests import PAGE, SAID, multipart

pytestmark = pytest.mark.slow

CONFIG = """
[sources.web]
kind = "segment"
write_key = "k"
[sources.pages]
kind = "browser"
origins = ["https://apps.example.org"]
users = "table"
[destinations.tracking_log]
kind = "tracking_log"
"""


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Return a server that takes browser events; that it ends with 0 is part of every test."""
    data_dir = tmp_path_factory.mktemp("browser") / "data"
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
    connection.request(method, path, body or None, headers or {})
    response = connection.getresponse()
    answer = response.read()
    connection.close()
    return response.status, {name.lower(): value for name, value in response.getheaders()}, answer


def test_every_way_reaches_the_tracking_log(server: RunningServer) -> None:
    """A GET, a form, FormData, a beacon from another origin; with and without the slash, with percent signs."""
    query = urlencode(SAID)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    own = {**form, "Origin": server.url, "Sec-Fetch-Site": "same-origin", "User-Agent": "Mozilla/5.0"}
    beacon = {"Content-Type": "text/plain;charset=UTF-8", "Origin": "https://apps.example.org"}
    data = {"Content-Type": "multipart/form-data; boundary=b0undary"}
    asked = [
        ("GET", f"/event?{query}", b"", {}),
        ("GET", f"/event/?{query}", b"", {}),
        ("GET", f"/%65vent?{query}", b"", {}),
        ("POST", "/event", query.encode(), form),
        ("POST", "/event/", query.encode(), own),
        ("POST", "/%65vent", json.dumps(SAID).encode(), beacon),
        ("POST", "/event", json.dumps(SAID).encode(), beacon),
        ("POST", "/event", multipart(SAID), data),
    ]
    for method, path, body, headers in asked:
        status, answered, answer = ask(server, method, path, body, headers)
        assert (status, answer, answered["cache-control"]) == (200, b"success", "no-store"), path
        assert answered.get("access-control-allow-origin") == headers.get("Origin")
    assert server.logged(len(asked))
    lines = server.tracking_lines()
    assert len(lines) == len(asked)
    for line in lines:
        assert (line["name"], line["event_type"], line["event_source"]) == ("seq_next", "seq_next", "browser")
        assert line["event"] == '{"old": 1, "new": 2}'
        assert (line["username"], line["session"], line["ip"]) == ("anonymous", "", "127.0.0.1")
        assert (line["host"], line["page"], line["context"]["org_id"]) == ("127.0.0.1", PAGE, "edX")
    assert [line["agent"] for line in lines].count("Mozilla/5.0") == 1
    assert {line["context"]["path"] for line in lines} == {"/event", "/event/"}
    assert {event["source"] for event in server.events()} == {"pages"}


def test_the_user_an_event_names_is_looked_up(server: RunningServer) -> None:
    """In the table of this server; whoever is not in it is named all the same."""
    accounts = server.data_dir.with_name("accounts.csv")
    accounts.write_text("id,username\n7,honor\n")
    server.trackside("users", "import", str(accounts))
    for username in ("honor", "nobody"):
        said = {"event_type": "x", "event": json.dumps({"username": username})}
        assert ask(server, "POST", "/event", urlencode(said).encode())[::2] == (200, b"success")
    assert server.logged(2)
    assert [event["data"] for event in server.events()] == [
        {"username": "honor", "user_id": 7},
        {"username": "nobody"},
    ]
    assert [json.loads(line["event"]).get("user_id") for line in server.tracking_lines()] == [7, None]


def test_an_event_is_worth_more_than_its_users_id(server: RunningServer) -> None:
    """A page sends nothing again: while the users cannot be looked up its events are kept as they came."""
    (server.data_dir / "users.db").write_bytes(b"no database at all, whatever its name says" * 100)
    said = {"event_type": "x", "event": json.dumps({"username": "honor"})}
    assert ask(server, "POST", "/event", urlencode(said).encode())[::2] == (200, b"success")
    assert [event["data"] for event in server.events()] == [{"username": "honor"}]


def test_every_other_request_is_answered(server: RunningServer) -> None:
    """And nothing of it is an event."""
    for method in ("HEAD", "PUT", "DELETE", "PATCH"):
        status, headers, answer = ask(server, method, "/event")
        assert (status, headers["allow"], answer) == (405, "GET, POST", b"")
    page = {"Origin": "https://apps.example.org", "Access-Control-Request-Method": "POST"}
    status, headers, answer = ask(server, "OPTIONS", "/event", b"", page)
    assert (status, headers["access-control-allow-origin"], answer) == (204, page["Origin"], b"")
    assert headers["access-control-allow-credentials"] == "true"
    for method in ("OPTIONS", "GET", "POST"):
        assert ask(server, method, "/event", b"", {"Origin": "https://evil.org"})[0] == 403
    assert ask(server, "GET", "/event?event_type=x", b"", {"Sec-Fetch-Site": "cross-site"})[0] == 403
    assert ask(server, "POST", "/event", b"x" * 300_000)[::2] == (
        413,
        b"the body has 300000 bytes; want at most 262144",
    )
    status, headers, answer = ask(server, "POST", "/event", b"{", page)
    assert (status, answer) == (400, b"the body is not valid JSON")
    assert headers["access-control-allow-origin"] == page["Origin"]
    assert server.events() == []
