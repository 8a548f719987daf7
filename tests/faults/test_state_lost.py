"""The state of the deliveries, or a message broker, is lost: what the log has is delivered all the same."""

import json
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path
from uuid import uuid4

import pytest

from tests.conftest import missing
from tests.destinations.webhook.receiver import Receiver
from tests.e2e.running import eventually, start_server
from tests.faults.test_webhook import configure, kill, numbered, send, status

pytestmark = pytest.mark.faults

RABBITMQ_PORT = 5672
SITE = """
import sys
import celery
from trackside import tracker
from trackside.backends.async_routing import AsyncRoutingBackend
from trackside.backends.log import LogBackend

broker, queue, folder = sys.argv[1:]
app = celery.Celery("site", broker=broker)
app.conf.task_default_queue = queue
app.set_default()
tracker.register_tracker(tracker.Tracker(backends={
    "log": LogBackend(folder),
    "async": AsyncRoutingBackend(backend_name="async", backends={}),
}))
for number in range(200):
    tracker.emit(f"m-{number}", durable=True)
assert tracker.get_tracker().backends["async"].flush(20)
with app.connection() as connection:
    lost = connection.default_channel.queue_purge(queue)
    connection.default_channel.queue_delete(queue)
print(lost)
"""


def moved_away(data_dir: Path, to: Path) -> None:
    """Move delivery.db and its companions out of the data directory."""
    to.mkdir()
    for path in data_dir.glob("delivery.db*"):
        path.rename(to / path.name)


@pytest.mark.parametrize("ended", ["stopped", "killed"])
def test_22_the_delivery_state_is_lost(tmp_path: Path, ended: str) -> None:
    """Fault 22: without delivery.db everything the log holds is delivered again, with the same ids."""
    data_dir = tmp_path / "data"
    with Receiver() as receiver:
        configure(data_dir, receiver.url)
        server = start_server(data_dir)
        try:
            send(server, *numbered(300))
            assert eventually(lambda: status(server)["delivered"] == 300)
            if ended == "stopped":
                assert server.stop() == 0
            else:
                kill(server)
            moved_away(data_dir, tmp_path / "away")
            server = start_server(data_dir)
            assert eventually(lambda: status(server)["delivered"] == 300)
            send(server, "later")
            assert eventually(lambda: status(server)["delivered"] == 301)
            assert server.stop() == 0
        finally:
            server.process.kill()
        assert Counter(receiver.ids) == Counter({**dict.fromkeys(numbered(300), 2), "later": 1})
        assert len({(request.id, request.body) for request in receiver.requests}) == 301


def test_22_a_broker_is_wiped(tmp_path: Path) -> None:
    """Fault 22: tasks that a broker lost are lost there; the log has every event, and delivers it."""
    try:
        socket.create_connection(("127.0.0.1", RABBITMQ_PORT), timeout=1).close()
    except OSError:
        missing("RabbitMQ on port 5672")
    data_dir = tmp_path / "data"
    data_dir.mkdir(mode=0o700)
    broker = f"amqp://guest:guest@127.0.0.1:{RABBITMQ_PORT}//"
    result = subprocess.run(
        [sys.executable, "-c", SITE, broker, f"trackside-{uuid4().hex}", str(data_dir)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) > 0  # tasks that no worker will ever see
    with Receiver() as receiver:
        configure(data_dir, receiver.url)
        server = start_server(data_dir)
        try:
            assert eventually(lambda: status(server)["delivered"] == 200)
            assert server.stop() == 0
        finally:
            server.process.kill()
        names = sorted(json.loads(request.body)["name"] for request in receiver.requests)
    assert names == sorted(numbered(200))
