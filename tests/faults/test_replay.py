"""A replay of many events over kill -9, at a rate: complete, and hardly anything goes twice."""

import json
import os
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.destinations.webhook.receiver import Receiver
from tests.e2e.running import RunningServer, eventually, start_server
from tests.faults.test_webhook import configure, kill
from trackside.config.settings import LogSettings
from trackside.log.base import Log
from trackside.log.sqlite import SQLiteLog
from trackside.log.subscription import Replay
from trackside.testing.log_values import append, make_event

pytestmark = pytest.mark.faults

EVENTS = int(os.environ.get("TRACKSIDE_REPLAY_EVENTS", "50000"))
RATE_PER_S = 2_500
PAGE_EVENTS = 2_000
"""So many a page holds at the most."""


@contextmanager
def opened(data_dir: Path) -> Iterator[Log]:
    log = SQLiteLog(data_dir, LogSettings())
    try:
        yield log
    finally:
        log.close()


def the_replay(log: Log) -> Replay:
    subscription = log.subscription("crm")
    (replay,) = subscription.replays() or subscription.finished_replays()
    return replay


def listed(server: RunningServer) -> dict[str, Any]:
    (line,) = server.trackside("replay", "list", "--json").splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def test_31_a_replay_of_many_events(tmp_path: Path) -> None:
    """Fault 31: 50,000 events at a rate, killed twice: each at least once, at most a page again for each kill."""
    data_dir = tmp_path / "data"
    with Receiver() as receiver:
        configure(data_dir, receiver.url, start="latest", concurrency=64)
        with opened(data_dir) as log:
            for first in range(1, EVENTS + 1, 1_000):
                append(log, *map(make_event, range(first, first + 1_000)))
        server = start_server(data_dir)
        try:
            with opened(data_dir) as log:
                request = ("replay", "--destination", "crm", "--since", "1", "--detach")
                server.trackside(*request, "--rate", f"{RATE_PER_S}/s")
                for part in (3, 2):
                    assert eventually(lambda n=part: the_replay(log).next > EVENTS // n, timeout_s=120)  # type: ignore[misc]
                    kill(server)
                    server = start_server(data_dir)
                server.trackside(*request, "--rate", f"{RATE_PER_S}/s")  # the same again is the same
                assert eventually(lambda: the_replay(log).finished_at is not None, timeout_s=240)
            told = listed(server)
            assert server.stop() == 0
        finally:
            server.process.kill()
        times = Counter(receiver.ids)
    assert set(times) == {f"event-{number}" for number in range(1, EVENTS + 1)}
    assert sum(times.values()) - EVENTS <= 2 * PAGE_EVENTS
    assert (told["next"], told["given_up"], told["gone"]) == (EVENTS + 1, 0, 0)
    assert told["redelivered"] == EVENTS
    assert most_in_a_second([request.at for request in receiver.requests]) <= RATE_PER_S * 2


def most_in_a_second(moments: list[float]) -> int:
    """Return how many of the moments lie within any one second: a rate's slices are half a second each."""
    window: deque[float] = deque()
    most = 0
    for moment in sorted(moments):
        window.append(moment)
        while window[0] < moment - 1.0:
            window.popleft()
        most = max(most, len(window))
    return most
