"""A server whose webhook goes to a receiver that is slow, down, gone or forbidden, and that is killed meanwhile."""

import json
import os
import urllib.request
from base64 import b64encode
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook as Verifier

from tests.destinations.webhook.receiver import Received, Receiver, Reply, free_port
from tests.e2e.running import RunningServer, eventually, start_server

pytestmark = pytest.mark.faults

ENDPOINTS = int(os.environ.get("TRACKSIDE_ENDPOINTS", "1000"))
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture(autouse=True, params=["aiohttp", "curl"])
def http_client(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run each test with each of the two clients."""
    if request.param == "curl":
        pytest.importorskip("pycurl")
    monkeypatch.setenv("TRACKSIDE_HTTP_CLIENT", request.param)


def configure(data_dir: Path, url: str, **settings: object) -> None:
    """Write the configuration of a server with one webhook."""
    data_dir.mkdir(mode=0o700, exist_ok=True)
    given = {"kind": "webhook", "url": url, "secret": SECRET, "allow_private_networks": True, **settings}
    lines = ["[sources.web]", 'kind = "segment"', 'write_key = "k"', "[destinations.crm]"]
    lines += [f"{name} = {json.dumps(value)}" for name, value in given.items()]
    (data_dir / "trackside.toml").write_text("\n".join([*lines, ""]))


def send(server: RunningServer, *ids: str, user: str = "1") -> None:
    """Send events as one batch; they are stored when this returns."""
    batch = [{"type": "track", "event": "x", "userId": user, "messageId": id_} for id_ in ids]
    request = urllib.request.Request(
        f"{server.url}/v1/batch?writeKey=k",
        json.dumps({"batch": batch}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=20) as response:
        assert response.status == 200


def status(server: RunningServer) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(server.trackside("status", "--json"))["destinations"]["crm"]
    return found


def kill(server: RunningServer) -> None:
    os.killpg(server.process.pid, 9)
    server.process.wait()


def numbered(count: int) -> list[str]:
    return [f"m-{number}" for number in range(count)]


def test_18_kill_between_send_and_ack(tmp_path: Path) -> None:
    """Fault 18: what was under way is sent again, with the same id and body, at most once more for each crash."""
    with Receiver(lambda request: Reply(delay_s=0.2)) as receiver:
        configure(tmp_path / "data", receiver.url)
        server = start_server(tmp_path / "data")
        try:
            send(server, *numbered(40))
            assert eventually(lambda: receiver.under_way >= 4)
            kill(server)
            server = start_server(tmp_path / "data")
            assert eventually(lambda: status(server)["delivered"] == 40)
            assert server.stop() == 0
        finally:
            server.process.kill()
        times = Counter(receiver.ids)
        assert set(times) == set(numbered(40))
        assert max(times.values()) <= 2
        bodies = {(request.id, request.body) for request in receiver.requests}
        assert len(bodies) == 40
        for request in receiver.requests:
            Verifier(SECRET).verify(request.body, request.headers)


def test_20_sigterm_with_requests_under_way(tmp_path: Path) -> None:
    """Fault 20: a stop waits for what is under way, and nothing of it goes twice."""
    with Receiver(lambda request: Reply(delay_s=0.5)) as receiver:
        configure(tmp_path / "data", receiver.url, concurrency=50)
        server = start_server(tmp_path / "data")
        try:
            send(server, *numbered(500))
            assert eventually(lambda: receiver.under_way >= 50)
            assert server.stop() == 0
            server = start_server(tmp_path / "data")
            assert eventually(lambda: status(server)["delivered"] == 500)
            assert server.stop() == 0
        finally:
            server.process.kill()
        assert Counter(receiver.ids) == Counter(numbered(500))


def test_a_receiver_that_is_down_for_a_while(tmp_path: Path) -> None:
    """Events wait, the reason is shown, and all of them arrive when it is back; a replay sends them again."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/hook"
    configure(tmp_path / "data", url, retry_schedule_s=[0.5] * 60, failures_until_probing=2)
    server = start_server(tmp_path / "data")
    try:
        send(server, *numbered(30))
        assert eventually(lambda: status(server)["state"] == "waiting")
        shown = status(server)
        assert shown["last_error"].startswith("unreachable: ")
        assert shown["pending"] + shown["retrying"] == 30
        with Receiver(port=port) as receiver:
            assert eventually(lambda: status(server)["delivered"] == 30)
            assert eventually(lambda: status(server)["state"] == "running")
            assert sorted(receiver.taken) == sorted(numbered(30))
            server.trackside("replay", "--destination", "crm", "--since", "1")
            assert eventually(lambda: len(receiver.taken) == 60)
            assert eventually(lambda: status(server)["redelivered"] == 30)
        assert server.stop() == 0
    finally:
        server.process.kill()


def test_dead_letters_are_sent_again(tmp_path: Path) -> None:
    """What the receiver never took is a dead letter with its reason, and goes when an operator says so."""
    with Receiver(lambda request: Reply(status=422 if request.id == "m-1" else 200)) as receiver:
        configure(tmp_path / "data", receiver.url, refuse_statuses=[422])
        server = start_server(tmp_path / "data")
        try:
            send(server, *numbered(3))
            assert eventually(lambda: status(server)["dead"] == 1)
            listed = server.trackside("dead-letters", "list", "--destination", "crm")
            assert "answered 422 Unprocessable Entity" in listed
            receiver.answer = lambda request: Reply()
            server.trackside("dead-letters", "retry", "--destination", "crm", "--all")
            assert eventually(lambda: status(server)["delivered"] == 3)
            assert server.stop() == 0
        finally:
            server.process.kill()
        assert receiver.ids.count("m-1") == 2


def test_11_gone_over_a_restart(tmp_path: Path) -> None:
    """Fault 11: after 410 the destination stays paused, also in the next process, until somebody resumes it."""
    gone = lambda request: Reply(status=410)  # noqa: E731
    with Receiver(gone) as receiver:
        configure(tmp_path / "data", receiver.url, concurrency=1)
        server = start_server(tmp_path / "data")
        try:
            send(server, *numbered(5))
            assert eventually(lambda: status(server)["state"] == "paused")
            assert status(server)["last_error"] == "answered 410 Gone: it wants no more events"
            assert server.stop() == 0
            server = start_server(tmp_path / "data")
            send(server, "later")
            # those five, the notice that it is disabled, and the later one
            assert eventually(lambda: status(server)["pending"] == 7)
            assert receiver.ids == ["m-0"]
            receiver.answer = lambda request: Reply()
            server.trackside("resume", "--destination", "crm")
            assert eventually(lambda: status(server)["delivered"] == 7)
            assert status(server)["state"] == "running"
            assert server.stop() == 0
        finally:
            server.process.kill()


def test_an_address_that_is_not_allowed(tmp_path: Path) -> None:
    """Without allow_private_networks nothing reaches this machine, and the operator is told why."""
    with Receiver() as receiver:
        configure(tmp_path / "data", receiver.url, allow_private_networks=False)
        server = start_server(tmp_path / "data")
        try:
            send(server, "m-1")
            assert eventually(lambda: status(server)["state"] == "waiting")
            assert status(server)["last_error"].startswith("url must not be asked: ")
            assert "allow_private_networks" in status(server)["last_error"]
            assert server.stop() == 0
        finally:
            server.process.kill()
        assert receiver.requests == []


def test_34_a_proxy_that_is_down_is_not_charged_to_the_endpoint(tmp_path: Path) -> None:
    """Fault 34: events wait without spending an attempt, the proxy is named, and all go when it is back."""
    port = free_port()
    proxy = f"http://me:hidden@127.0.0.1:{port}"
    configure(tmp_path / "data", "http://hooks.test/hook", proxy=proxy, max_attempts=1)
    server = start_server(tmp_path / "data")
    try:
        send(server, *numbered(5))
        assert eventually(lambda: status(server)["state"] == "waiting")
        shown = status(server)
        assert shown["last_error"].startswith("proxy: "), shown
        assert "hidden" not in shown["last_error"]
        assert (shown["pending"], shown["dead"]) == (5, 0)
        with Receiver(port=port) as as_proxy:
            assert eventually(lambda: status(server)["delivered"] == 5, timeout_s=60)
            assert server.stop() == 0
        assert sorted(as_proxy.taken) == sorted(numbered(5))
        assert {request.path for request in as_proxy.requests} == {"http://hooks.test/hook"}
        expected = "Basic " + b64encode(b"me:hidden").decode()
        assert {request.headers["proxy-authorization"] for request in as_proxy.requests} == {expected}
    finally:
        server.process.kill()


def test_30_one_event_for_many_endpoints(tmp_path: Path) -> None:
    """Fault 30: of many endpoints one is slow and one never takes it: the others have it once, at once."""

    def answer(request: Received) -> Reply:
        slow, poison = request.path == "/hook/7", request.path == "/hook/13"
        return Reply(status=500 if poison else 200, delay_s=3.0 if slow else 0.0)

    with Receiver(answer) as receiver:
        data_dir = tmp_path / "data"
        configure(data_dir, f"{receiver.url}/0")
        with (data_dir / "trackside.toml").open("a") as file:
            for number in range(1, ENDPOINTS):
                file.write(
                    f'[destinations.e{number}]\nkind = "webhook"\nurl = "{receiver.url}/{number}"\n'
                    "allow_private_networks = true\n"
                )
        server = start_server(data_dir)
        try:
            send(server, "m-1")
            well = {f"/hook/{number}" for number in range(ENDPOINTS) if number not in {7, 13}}

            def there() -> bool:
                return well <= {request.path for request in receiver.requests}

            assert eventually(there, timeout_s=60)
            assert server.stop() == 0
        finally:
            server.process.kill()
        times = Counter(request.path for request in receiver.requests)
        assert {times[path] for path in well} == {1}
