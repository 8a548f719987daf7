"""Kill -9 at random moments under load: what was answered 200 is in the log once and in the tracking log once."""

import os
import random
from collections import Counter
from pathlib import Path

import pytest

from tests.e2e.running import RunningServer, eventually, start_server
from tests.faults.load import Load

pytestmark = pytest.mark.faults

ROUNDS = int(os.environ.get("TRACKSIDE_KILL_ROUNDS", "6"))


def _check(server: RunningServer, load: Load) -> None:
    assert load.unexpected == []
    in_log = [event["id"] for event in server.events()]
    assert [id_ for id_, times in Counter(in_log).items() if times > 1] == []
    assert load.answered - set(in_log) == set()
    assert set(in_log) <= load.sent

    def lines() -> list[str]:
        return [line["context"]["client"]["messageId"] for line in server.tracking_lines()]

    assert eventually(lambda: len(lines()) >= len(in_log))
    assert lines() == in_log


@pytest.mark.parametrize("workers", [1, 2])
def test_kill_at_random_moments(tmp_path: Path, workers: int) -> None:
    """Nothing acknowledged is lost, nothing is there twice, and the file has the log's order."""
    choose = random.Random(workers)
    flags = ["--workers", str(workers)]
    server = start_server(tmp_path / "data", *flags)
    load = Load(server.write_key, seed=workers)
    load.start(server.url)
    try:
        for _ in range(ROUNDS):
            alive = len(load.answered)
            assert eventually(lambda alive=alive: len(load.answered) > alive)  # type: ignore[misc]
            eventually(lambda: False, timeout_s=choose.random() * 0.5)
            os.killpg(server.process.pid, 9)
            server.process.wait()
            server = start_server(tmp_path / "data", *flags)
            load.address = server.url
    finally:
        load.stop()
    try:
        _check(server, load)
        assert server.stop() == 0
    finally:
        server.process.kill()
    assert len(load.answered) > ROUNDS * 10
