"""A receiver in Node that verifies what the server sends with the npm package `standardwebhooks`."""

import os
import subprocess
from pathlib import Path

from tests.e2e.conftest import CLIENTS
from tests.e2e.running import eventually, start_server
from tests.faults.test_webhook import SECRET, configure, send, status


def test_a_receiver_in_node(tmp_path: Path, node_modules: Path) -> None:
    """Every event is verified there, whatever letters are in it."""
    command = ["node", str(CLIENTS / "webhook_receiver.cjs"), SECRET]
    environment = {**os.environ, "NODE_PATH": str(node_modules)}
    receiver = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert receiver.stdout is not None
    try:
        port = int(receiver.stdout.readline())
        configure(tmp_path / "data", f"http://127.0.0.1:{port}/")
        server = start_server(tmp_path / "data")
        try:
            send(server, "m-1", "ü 𝄞", user="Zoë")
            assert eventually(lambda: status(server)["delivered"] == 2)
            assert server.stop() == 0
        finally:
            server.process.kill()
        received = sorted(receiver.stdout.readline().strip() for _ in range(2))
        assert received == ["m-1", "ü 𝄞"]
    finally:
        receiver.kill()
        receiver.communicate()
