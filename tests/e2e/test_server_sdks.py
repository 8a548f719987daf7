"""Unmodified server SDKs at a fresh server: every call once in the log and once in the tracking log."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import RequireService
from tests.e2e.conftest import CLIENTS
from tests.e2e.running import RunningServer

COUNT = 1000


def assert_each_once(server: RunningServer, library: str) -> None:
    """Check that the log and the tracking log hold the calls 0 to COUNT - 1 of a client, each once."""
    assert server.logged(COUNT)
    events = server.events()
    assert len(events) == COUNT
    assert len({event["id"] for event in events}) == COUNT
    assert [event["position"] for event in events] == list(range(1, COUNT + 1))
    assert Counter(event["type"] for event in events) == {
        "identify": 100, "page": 100, "screen": 100, "group": 100, "alias": 100, "track": 500,
    }  # fmt: skip
    numbered = sorted(event["data"]["n"] for event in events if event["type"] != "alias")
    assert numbered == [n for n in range(COUNT) if n % 10 != 4]
    aliased = sorted(event["extra"]["previousId"] for event in events if event["type"] == "alias")
    assert aliased == sorted(f"anonymous-{n}" for n in range(4, COUNT, 10))
    assert {event["context"]["library"]["name"] for event in events} == {library}
    assert {event["data"]["title"] for event in events if event["type"] == "track"} == {"Überblick 🙂"}

    lines = server.tracking_lines()
    assert [line["name"] for line in lines] == [event["name"] for event in events]
    assert Counter(line["context"]["client"]["messageId"] for line in lines) == Counter(
        event["id"] for event in events
    )
    assert {line["event_source"] for line in lines} == {"server"}


def run_node(script: str, server: RunningServer, node_modules: Path) -> None:
    """Run one of the Node clients to its end."""
    command = ["node", str(CLIENTS / script), server.url, server.write_key, str(COUNT)]
    environment = {**os.environ, "NODE_PATH": str(node_modules)}
    result = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("encoding", ["plain", "gzip"])
def test_segment_analytics_python(server: RunningServer, encoding: str) -> None:
    """segment-analytics-python, with plain and with compressed batches."""
    script = CLIENTS / "segment_python.py"
    command = [sys.executable, str(script), server.url, server.write_key, str(COUNT), encoding]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr
    assert_each_once(server, "analytics-python")


def test_segment_analytics_node(server: RunningServer, node_modules: Path) -> None:
    """@segment/analytics-node, its batches of at most 50."""
    run_node("segment_node.cjs", server, node_modules)
    assert_each_once(server, "@segment/analytics-node")


def test_rudder_sdk_node(server: RunningServer, node_modules: Path) -> None:
    """@rudderstack/rudder-sdk-node, which compresses and calls its JSON a form."""
    run_node("rudder_node.cjs", server, node_modules)
    assert_each_once(server, "analytics-node")


def test_the_whole_of_it_survives_a_restart(
    server: RunningServer, require_service: RequireService, tmp_path: Path
) -> None:
    """A second start on the same data directory has the events still, and knows a repeated one."""
    from tests.e2e.running import start_server

    curl = require_service("curl")
    body = '{"event": "Lesson Started", "userId": "7", "messageId": "m-1"}'

    def post(to: RunningServer) -> str:
        command = [curl, "-sS", "-u", f"{to.write_key}:", f"{to.url}/v1/track", "-d", body]
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout

    assert post(server) == '{"success": true}'
    assert server.logged(1)
    assert server.stop() == 0
    again = start_server(server.data_dir)
    try:
        assert again.write_key == server.write_key
        assert post(again) == '{"success": true}'
        assert [event["id"] for event in again.events()] == ["m-1"]
        assert [line["name"] for line in again.tracking_lines()] == ["Lesson Started"]
    finally:
        assert again.stop() == 0
