"""A server whose destination is a second server: what the first takes in is in the second, each event once."""

import json
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.running import RunningServer, eventually, start_server

EVENTS = 1_000
HAPPENED_AT = datetime(2026, 11, 20, 19, 24, 55, 219_000, tzinfo=UTC)
CALLS: tuple[dict[str, Any], ...] = (
    {"type": "track", "event": "Lesson Opened", "properties": {"title": "Überblick 🙂"}},
    {"type": "identify", "traits": {"plan": "free"}},
    {"type": "page", "name": "Home", "category": "Docs", "properties": {"path": "/"}},
    {"type": "group", "groupId": "g", "traits": {"size": 3}, "integrations": {"All": False}},
    {"type": "alias", "previousId": "a-0"},
)


def call(number: int) -> dict[str, Any]:
    """Return the call of that number, with an id of its own."""
    about = {
        "userId": f"user-{number % 7}",
        "messageId": f"m-{number}",
        "timestamp": HAPPENED_AT.isoformat(),
    }
    return {**CALLS[number % len(CALLS)], **about, "context": {"ip": "203.0.113.7", "n": number}}


def post(server: RunningServer, numbers: range, key: str | None = None) -> None:
    """Post the calls of these numbers in one batch."""
    text = json.dumps({"batch": [call(number) for number in numbers]}).encode()
    credentials = b64encode(f"{key or server.write_key}:".encode()).decode()
    request = urllib.request.Request(
        server.url + "/v1/batch", text, {"Authorization": f"Basic {credentials}"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200


def configure(folder: Path, second: RunningServer, key: str) -> None:
    """Write the configuration of a first server in `folder`, which sends to the second."""
    folder.mkdir()
    (folder / "trackside.toml").write_text(
        f"""
[sources.web]
kind = "segment"
write_key = "first"
[destinations.segment]
kind = "segment"
write_key = "{key}"
host = "{second.url}"
allow_private_networks = true
gzip = true
"""
    )


@pytest.fixture
def second(tmp_path: Path) -> Iterator[RunningServer]:
    """The server behind the first."""
    running = start_server(tmp_path / "second")
    yield running
    assert running.stop() == 0, running.output.read_text()


def standing(server: RunningServer) -> dict[str, Any]:
    """Return how the destination stands."""
    found: dict[str, Any] = json.loads(server.trackside("status", "--json"))["destinations"]["segment"]
    return found


def test_every_event_once(tmp_path: Path, second: RunningServer) -> None:
    """Also where the first server stops in the middle and starts again."""
    configure(tmp_path / "first", second, second.write_key)
    first = start_server(tmp_path / "first")
    for begin in range(0, EVENTS // 2, 100):
        post(first, range(begin, begin + 100))
    assert first.stop() == 0
    first = start_server(tmp_path / "first")
    for begin in range(EVENTS // 2, EVENTS, 100):
        post(first, range(begin, begin + 100))
    assert eventually(lambda: standing(first)["delivered"] == EVENTS)
    sent, arrived = first.events(), second.events()
    assert first.stop() == 0
    assert [event["id"] for event in arrived] == [f"m-{number}" for number in range(EVENTS)]
    same = ("id", "name", "type", "user_id", "anonymous_id", "data", "context", "extra")
    assert [[event[name] for name in same] for event in arrived] == [
        [event[name] for name in same] for event in sent
    ]
    moments = [datetime.fromisoformat(event["timestamp"]) for event in arrived]
    assert all(abs(moment - HAPPENED_AT) < timedelta(seconds=5) for moment in moments)


def test_a_wrong_key_loses_nothing(tmp_path: Path, second: RunningServer) -> None:
    """The destination fails and says why; with the right key everything arrives."""
    configure(tmp_path / "first", second, "wrong")
    first = start_server(tmp_path / "first")
    post(first, range(100))
    assert eventually(lambda: "check write_key" in first.trackside("status"))
    assert first.stop() == 0
    found = standing(first)
    assert (found["pending"], found["dead"], found["retrying"]) == (100, 0, 0)
    text = (tmp_path / "first" / "trackside.toml").read_text()
    (tmp_path / "first" / "trackside.toml").write_text(text.replace('"wrong"', f'"{second.write_key}"'))
    first = start_server(tmp_path / "first")
    assert eventually(lambda: standing(first)["delivered"] == 100)
    assert first.stop() == 0
    assert len(second.events()) == 100
