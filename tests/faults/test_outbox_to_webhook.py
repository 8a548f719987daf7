"""From a transaction of a Django project to the receiver of a webhook, with kill -9 in between."""

import json
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.destinations.webhook.receiver import Receiver
from tests.e2e.running import eventually, start_server
from tests.faults.test_webhook import configure

pytestmark = pytest.mark.faults

ROOT = Path(__file__).resolve().parents[2]


def shop(folder: Path, *arguments: str) -> int:
    """Run the project; return its exit status."""
    command = [sys.executable, "-m", "tests.faults.shop_site", str(folder), *arguments]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode in (0, -signal.SIGKILL), result.stderr
    return result.returncode


def rows(folder: Path, query: str) -> list[str]:
    with closing(sqlite3.connect(folder / "shop.sqlite3")) as database:
        return [str(value) for (value,) in database.execute(query)]


def test_19_kill_between_the_commit_and_the_log(tmp_path: Path) -> None:
    """Fault 19: a sale that committed reaches the receiver, once, although its process died right after."""
    with Receiver() as receiver:
        configure(tmp_path / "data", receiver.url)
        server = start_server(tmp_path / "data")
        try:
            assert shop(tmp_path, "prepare") == 0
            assert shop(tmp_path, "sell", "first") == 0
            for name in ("second", "third"):
                assert shop(tmp_path, "sell-and-die", name) == -signal.SIGKILL
            assert rows(tmp_path, "SELECT name FROM item ORDER BY rowid") == ["first", "second", "third"]
            assert rows(tmp_path, "SELECT COUNT(*) FROM trackside_outbox") == ["2"]
            assert shop(tmp_path, "relay") == 0
            assert rows(tmp_path, "SELECT COUNT(*) FROM trackside_outbox") == ["0"]
            assert eventually(lambda: len(receiver.taken) >= 3)
            assert server.stop() == 0
        finally:
            server.process.kill()
        names = sorted(json.loads(request.body)["name"] for request in receiver.requests)
    assert names == ["first", "second", "third"]
