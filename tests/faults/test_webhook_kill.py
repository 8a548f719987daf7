"""Kill -9 at random moments while Segment posts: every event that was taken is there once, and nothing else is."""

import os
import random
from collections import Counter
from pathlib import Path

import pytest

from tests.e2e.running import RunningServer, eventually, start_server
from tests.faults.webhook_load import KINDS, KNOWN, WebhookLoad

pytestmark = pytest.mark.faults

ROUNDS = int(os.environ.get("TRACKSIDE_KILL_ROUNDS", "3"))
REQUESTS = 1_000
"""At least so many in each round; 50 rounds with each number of workers are the long run."""
CONFIG = """
[sources.web]
kind = "segment"
write_key = "k"
[sources.mobile]
kind = "segment_webhook"
secret = "table"
[sources.any]
kind = "segment_webhook"
path = "/segmentio/any"
secret = "any"
users = "any"
[destinations.tracking_log]
kind = "tracking_log"
max_bytes = 2_000_000_000
"""


def _check(server: RunningServer, load: WebhookLoad) -> None:
    assert load.unexpected == []
    in_log = [event["id"] for event in server.events()]
    assert [id_ for id_, times in Counter(in_log).items() if times > 1] == []
    assert load.acknowledged - set(in_log) == set()
    assert set(in_log) <= load.sent_ids

    def lines() -> list[str]:
        return [line["event"]["message_id"] for line in server.tracking_lines()]

    assert eventually(lambda: len(lines()) >= len(in_log), timeout_s=120)
    assert lines() == in_log


def _import_users(server: RunningServer, accounts: Path) -> None:
    """Fill the table, as another process does while the server runs; whoever was known is forgotten then."""
    accounts.write_text("id,username\n" + "".join(f"{each},user-{each}\n" for each in KNOWN))
    server.trackside("users", "import", str(accounts))


@pytest.mark.parametrize("workers", [1, 2])
def test_kill_while_segment_posts(tmp_path: Path, workers: int) -> None:
    """Nothing acknowledged is lost, nothing is there twice, and the file has the log's order."""
    choose = random.Random(workers)
    data_dir = tmp_path / "data"
    data_dir.mkdir(mode=0o700)
    (data_dir / "trackside.toml").write_text(CONFIG)
    flags = ["--workers", str(workers)]
    server = start_server(data_dir, *flags)
    _import_users(server, tmp_path / "accounts.csv")
    os.killpg(server.process.pid, 9)
    server.process.wait()
    server = start_server(data_dir, *flags)
    load = WebhookLoad(seed=workers)
    load.start(server.url)
    try:
        for number in range(ROUNDS):
            goal = load.answered.total() + REQUESTS
            assert eventually(lambda goal=goal: load.answered.total() >= goal, timeout_s=60)  # type: ignore[misc]
            if number % 3 == 1:
                _import_users(server, tmp_path / "accounts.csv")
            eventually(lambda: False, timeout_s=choose.random() * 0.5)
            os.killpg(server.process.pid, 9)
            server.process.wait()
            server = start_server(data_dir, *flags)
            load.address = server.url
    finally:
        load.stop()
    try:
        _check(server, load)
        assert server.stop() == 0
    finally:
        server.process.kill()
        server.process.wait()
    assert set(load.answered) == set(KINDS)
    assert load.sent_again > 0
