"""send is a careful client: ids of its own, batches, patience, and a true account of what was taken."""

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.conftest import Place, event
from trackside.cli.group import cli
from trackside.cli.sending import NotSent, Sender, as_call, batches


class Collector(ThreadingHTTPServer):
    """A server that keeps what it gets and answers as it is told, else 200."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        self.taken: list[dict[str, Any]] = []
        self.keys: set[str] = set()
        self.paths: set[str] = set()

    @property
    def url(self) -> str:
        """The address, as one would write it."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def calls(self) -> list[dict[str, Any]]:
        """Return all calls of the batches that were answered 200."""
        return [call for body in self.taken for call in body["batch"]]


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status, headers, content = self.server.answers.pop(0) if self.server.answers else (200, {}, b"{}")
        if status == 200:
            self.server.taken.append(body)
        scheme, _, credentials = self.headers["Authorization"].partition(" ")
        self.server.keys.add(f"{scheme} {base64.b64decode(credentials).decode()}")
        self.server.paths.add(self.path)
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        """Keep quiet."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    server = Collector()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


class Time:
    """A clock that only moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        """Move on."""
        self.slept.append(seconds)
        self.now += seconds


def sender(url: str, time: Time, give_up_s: float = 60.0) -> Sender:
    return Sender(url, "key", give_up_s=give_up_s, clock=lambda: time.now, sleep=time.sleep)


def send(collector: Collector, *arguments: str, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(
        cli, ["send", "--url", collector.url, "--write-key", "key", *arguments], input=stdin
    )


def test_one_event(collector: Collector) -> None:
    """Arguments make one call as Segment's libraries would, with the key as they send it."""
    result = send(
        collector, "Item Purchased", "--user", "7", "--data", '{"price": 9.5}', "--context", '{"ip": "x"}'
    )
    assert result.output == f"1 event sent to {collector.url}; it answered that all is stored\n"
    (call,) = collector.calls()
    assert call.pop("messageId")
    assert call.pop("timestamp").endswith("Z")
    assert call == {
        "type": "track",
        "event": "Item Purchased",
        "userId": "7",
        "properties": {"price": 9.5},
        "context": {"ip": "x"},
    }
    assert (collector.keys, collector.paths) == ({"Basic key:"}, {"/v1/batch"})
    assert "sentAt" in collector.taken[0]


def test_other_calls(collector: Collector) -> None:
    """An identify has traits and needs no name; without a user there is an anonymous id."""
    assert send(collector, "--type", "identify", "--anonymous", "a", "--data", '{"plan": "x"}').exit_code == 0
    assert send(collector, "--type", "page", "Home").exit_code == 0
    identify, page = collector.calls()
    assert (identify["anonymousId"], identify["traits"]) == ("a", {"plan": "x"})
    assert (page["name"], "userId" in page, bool(page["anonymousId"])) == ("Home", False, True)


def test_lines(collector: Collector) -> None:
    """Lines go out in batches; a line that is no object is told and its neighbours go on."""
    lines = [json.dumps({"event": f"e{number}", "userId": "u"}) for number in range(5)]
    lines[2:2] = ["", "[1]", "not json"]
    result = send(collector, "--batch", "2", stdin="\n".join(lines))
    assert [len(body["batch"]) for body in collector.taken] == [2, 2, 1]
    assert [call["event"] for call in collector.calls()] == ["e0", "e1", "e2", "e3", "e4"]
    assert len({call["messageId"] for call in collector.calls()}) == 5
    assert result.exit_code == 1
    assert [line.split(" and ")[0] for line in result.stderr.splitlines()] == [
        "trackside: line 4 is not a JSON object",
        "trackside: line 5 is not a JSON object",
    ]


def test_json_account(collector: Collector) -> None:
    """--json says how many were sent, in how many requests."""
    result = send(collector, "--json", stdin='{"event":"e","userId":"u"}\n')
    assert json.loads(result.stdout) == {
        "url": collector.url,
        "sent": 1,
        "requests": 1,
        "retries": 0,
        "bad_lines": [],
    }


def test_what_tail_prints_can_be_sent(place: Place, collector: Collector) -> None:
    """`tail --json` into `send` moves events to another server, their ids and times kept."""
    place.append([event(1), event(2, name="other")])
    printed = place.run("tail", "--json").stdout
    assert send(collector, "--file", "-", stdin=printed).exit_code == 0
    first, second = collector.calls()
    assert first == {
        "type": "track",
        "messageId": "id-1",
        "timestamp": "2026-11-20T12:00:01Z",
        "context": {"ip": "203.0.113.7"},
        "properties": {"number": 1},
        "userId": "user-1",
        "event": "Item Purchased",
    }
    assert second["event"] == "other"


def test_a_busy_server_is_waited_for(collector: Collector) -> None:
    """429 and 503 are tried again after the time the server says, else after ever longer ones."""
    time = Time()
    collector.answers = [
        (429, {"Retry-After": "7"}, b""),
        (503, {}, b""),
        (503, {"Retry-After": "soon"}, b""),
    ]
    sending = sender(collector.url, time)
    waits: list[str] = []
    sending.on_wait = waits.append
    sending.send([b'{"event":"e"}'])
    assert time.slept == [7.0, 1.0, 2.0]
    assert waits[0] == "answered 429; again in 7 s"
    assert (sending.requests, sending.retries, len(collector.calls())) == (4, 3, 1)


def test_patience_ends(collector: Collector) -> None:
    """Longer than allowed is not waited; the reason is the server's own."""
    time = Time()
    collector.answers = [(503, {"Retry-After": "61"}, b'{"message": "disk full"}')]
    with pytest.raises(NotSent, match=r"answered 503: disk full"):
        sender(collector.url, time).send([b"{}"])
    assert time.slept == []


def test_a_refusal_is_final(collector: Collector) -> None:
    """A 401 is not tried again; what was stored before is told, with status 1."""
    collector.answers = [(200, {}, b"{}"), (401, {}, b'{"message": "unknown write key"}')]
    lines = "\n".join('{"event":"e","userId":"u"}' for _ in range(2))
    result = send(collector, "--batch", "1", stdin=lines)
    assert (result.exit_code, result.stderr) == (
        1,
        f"Error: {collector.url} answered 401: unknown write key; 1 events were stored before\n",
    )


def test_nobody_there(free_port: int) -> None:
    """A server that is away is waited for as long as allowed."""
    time = Time()
    with pytest.raises(NotSent, match="cannot be reached"):
        sender(f"http://127.0.0.1:{free_port}", time, give_up_s=2).send([b"{}"])
    assert time.slept == [0.5, 1.0]


@pytest.mark.parametrize("url", ["here", "localhost:8000", "ftp://127.0.0.1", "http://[::1", ""])
def test_no_url(url: str) -> None:
    """What is no URL of a server is told as such, at once."""
    with pytest.raises(NotSent, match="is no URL"):
        Sender(url, "k", give_up_s=60).send([b"{}"])


def test_the_configured_server(place: Place, monkeypatch: pytest.MonkeyPatch, collector: Collector) -> None:
    """Without --url and --write-key, the configured server and its first source are meant."""
    monkeypatch.setenv("TRACKSIDE_PORT", str(collector.server_address[1]))
    assert place.run("send", "Hello").exit_code == 0
    key = place.loaded.config.sources["web"].write_keys[0]
    assert collector.keys == {f"Basic {key}:"}


def test_port_zero(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which free port a server took cannot be known."""
    monkeypatch.setenv("TRACKSIDE_PORT", "0")
    result = place.run("send", "Hello")
    assert (result.exit_code, "say which server with --url" in result.stderr) == (2, True)


@given(st.lists(st.integers(0, 300_000), max_size=12), st.integers(1, 5))
def test_batches(sizes: list[int], most: int) -> None:
    """Every call is in one batch, in order; none has too many or is too large, but for one large call."""
    calls = [as_call({"event": "x" * size, "messageId": str(number)}) for number, size in enumerate(sizes)]
    made = list(batches(calls, most))
    assert [json.loads(each)["messageId"] for batch in made for each in batch] == [
        str(number) for number in range(len(sizes))
    ]
    assert all(0 < len(batch) <= most for batch in made)
    assert all(sum(map(len, batch)) <= 450_000 for batch in made if len(batch) > 1)
