"""The database files cannot be used for a while during delivery: nothing is lost, and the server stays up."""

import resource
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from tests.destinations.webhook.receiver import Receiver, Reply
from tests.e2e.running import RunningServer, eventually, start_server
from tests.faults.test_storage import send as offer
from tests.faults.test_webhook import configure, numbered, send, status

pytestmark = pytest.mark.faults

AWAY_S = 8.0
"""Longer than SQLite waits for a lock."""
_INFINITE = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


@contextmanager
def locked(server: RunningServer) -> Iterator[None]:
    """Hold the write locks of both databases, as a backup that hangs does."""
    with ExitStack() as held:
        for name in ("log.db", "delivery.db"):
            connection = sqlite3.connect(server.data_dir / name, isolation_level=None, timeout=20)
            held.enter_context(closing(connection))
            connection.execute("BEGIN IMMEDIATE")
        yield


@contextmanager
def full(server: RunningServer) -> Iterator[None]:
    """Let the server write nothing any more, as a disk that is full does."""
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    yield
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, _INFINITE)


@pytest.mark.parametrize("away", [locked, full])
def test_21_the_databases_are_away_for_a_while(
    tmp_path: Path, away: Callable[[RunningServer], AbstractContextManager[None]]
) -> None:
    """Fault 21: what is taken meanwhile is told 503, what was taken arrives; the same process goes on."""
    with Receiver(lambda request: Reply(delay_s=0.01)) as receiver:
        configure(tmp_path / "data", receiver.url, concurrency=4)
        server = start_server(tmp_path / "data")
        try:
            send(server, *numbered(2_000))
            assert eventually(lambda: len(receiver.requests) > 200)
            # what is under way comes to its end; then nothing is sent whose progress cannot be kept
            with away(server):
                refused = [offer(server, "refused")[0], offer(server, "refused")[0]]
                eventually(lambda: False, timeout_s=AWAY_S / 2)
                sent = len(receiver.requests)
                eventually(lambda: False, timeout_s=AWAY_S / 2)
                assert len(receiver.requests) == sent < 2_000
            assert server.process.poll() is None
            assert set(refused) <= {0, 503}
            assert eventually(lambda: offer(server, "after")[0] == 200)
            assert eventually(lambda: status(server)["pending"] == 0, timeout_s=60)
            assert eventually(lambda: status(server)["delivered"] >= 2_001, timeout_s=60)
            assert server.stop() == 0
        finally:
            server.process.kill()
        times = Counter(receiver.ids)
    assert set(numbered(2_000)) | {"after"} <= set(times)
    assert max(times.values()) == 1
