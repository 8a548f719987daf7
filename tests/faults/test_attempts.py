"""What is kept of webhooks' attempts while a server is killed."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.destinations.webhook.receiver import Receiver, Reply
from tests.e2e.running import RunningServer, eventually, start_server
from tests.faults.test_webhook import configure, kill, numbered, send, status

pytestmark = pytest.mark.faults


def kept(server: RunningServer, *flags: str) -> list[dict[str, Any]]:
    printed = server.trackside("attempts", "list", "--json", *flags)
    return [json.loads(line) for line in printed.splitlines()]


def test_18_what_was_under_way_is_unknown(tmp_path: Path) -> None:
    """Fault 18: killed between send and answer, the attempt is kept as unknown, and the event goes again."""
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
        found = kept(server)
        unknown = kept(server, "--status", "none")
        assert len(unknown) >= 4
        assert {each["outcome"] for each in unknown} == {"unknown"}
        again = Counter(receiver.ids)
        for each in unknown:
            assert again[each["event_id"]] == 2
        # each request that arrived is an attempt, with the very bytes, and the other way round
        arrived = Counter((request.id, request.body.decode()) for request in receiver.requests)
        assert Counter((each["event_id"], each["request_body"]) for each in found) == arrived
        assert {each["event_id"] for each in found if each["outcome"] == "delivered"} == set(numbered(40))


def test_attempts_of_a_running_server(tmp_path: Path) -> None:
    """They are seen while it runs, with the time of the next one, and after it."""
    with Receiver(lambda request: Reply(status=500 if request.id == "m-1" else 200)) as receiver:
        configure(tmp_path / "data", receiver.url, retry_schedule_s=[600])
        server = start_server(tmp_path / "data")
        try:
            send(server, *numbered(3))
            assert eventually(lambda: len(kept(server)) == 3)
            (failed,) = kept(server, "--failed")
            assert (failed["event_id"], failed["status"]) == ("m-1", 500)
            assert eventually(lambda: status(server)["retrying"] == 1)
            shown = json.loads(server.trackside("attempts", "show", str(failed["id"]), "--json"))
            assert shown["next_attempt_at"] is not None
            assert "next" in server.trackside("attempts", "show", str(failed["id"]))
            assert server.stop() == 0
        finally:
            server.process.kill()
        assert len(kept(server, "--event", "m-1")) == 1
        assert list((tmp_path / "data").glob("*.journal")) == []


def test_a_store_that_is_broken_holds_up_no_delivery(tmp_path: Path) -> None:
    """It is told what is wrong, nothing is overwritten, and events go on without it."""
    with Receiver() as receiver:
        configure(tmp_path / "data", receiver.url)
        broken = tmp_path / "data" / "attempts.db"
        broken.write_bytes(b"not ours")
        server = start_server(tmp_path / "data")
        try:
            send(server, *numbered(3))
            assert eventually(lambda: status(server)["delivered"] == 3)
            assert server.stop() == 0
        finally:
            server.process.kill()
        assert broken.read_bytes() == b"not ours"
        assert "Attempts of webhooks are not kept" in server.output.read_text()
