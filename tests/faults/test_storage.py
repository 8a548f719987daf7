"""A disk that is full, a database that is broken, two servers on one data directory."""

import http.client
import json
import resource
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.running import RunningServer, eventually, start_server

pytestmark = pytest.mark.faults

_INFINITE = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


def send(server: RunningServer, *ids: str) -> tuple[int, str | None]:
    host, port = server.url.removeprefix("http://").split(":")
    batch = [
        {
            "type": "track",
            "event": "x",
            "userId": "1",
            "messageId": id_,
            "properties": {"noise": [hash((id_, n)) for n in range(200)]},
        }
        for id_ in ids
    ]
    connection = http.client.HTTPConnection(host, int(port), timeout=20)
    connection.request("POST", f"/v1/batch?writeKey={server.write_key}", json.dumps({"batch": batch}))
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status, response.headers["Retry-After"]


def lines(server: RunningServer) -> list[str]:
    return [line["context"]["client"]["messageId"] for line in server.tracking_lines()]


def test_a_full_disk(tmp_path: Path) -> None:
    """While nothing can be written: 503 with Retry-After, and nothing acknowledged is lost; then it goes on alone."""
    server = start_server(tmp_path / "data")
    try:
        assert send(server, "before")[0] == 200
        assert eventually(lambda: lines(server) == ["before"])
        largest = max(path.stat().st_size for path in (tmp_path / "data").iterdir() if path.is_file())
        resource.prlimit(
            server.process.pid, resource.RLIMIT_FSIZE, (largest + 200_000, resource.RLIM_INFINITY)
        )
        kept = ["before"]
        for number in range(2_000):
            ids = [f"{number}-{n}" for n in range(20)]
            status, retry_after = send(server, *ids)
            if status != 200:
                break
            kept += ids
        assert status == 503
        assert retry_after is not None
        assert int(retry_after) >= 1
        assert server.status("/healthz") == 200
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, _INFINITE)
        assert eventually(lambda: send(server, "after")[0] == 200)
        kept.append("after")
        in_log = [event["id"] for event in server.events()]
        assert [id_ for id_ in in_log if id_ in set(kept)] == kept
        assert len(in_log) == len(set(in_log))
        assert eventually(lambda: lines(server) == in_log, timeout_s=60)
    finally:
        assert server.stop() == 0


def serve(data_dir: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "trackside", "serve", "--port", "0", "--data-dir", str(data_dir)]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_a_corrupt_database_is_refused(tmp_path: Path) -> None:
    """The server says which file, and does not touch it."""
    data_dir = tmp_path / "data"
    data_dir.mkdir(mode=0o700)
    garbage = b"this is no database" * 1_000
    (data_dir / "log.db").write_bytes(garbage)
    result = serve(data_dir)
    assert result.returncode != 0
    assert "log.db" in result.stderr
    assert "Traceback" not in result.stderr
    assert (data_dir / "log.db").read_bytes() == garbage


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    """A data directory of a later version is not guessed at."""
    server = start_server(tmp_path / "data")
    assert server.stop() == 0
    with sqlite3.connect(tmp_path / "data" / "log.db") as database:
        database.execute("PRAGMA user_version = 999")
    database.close()
    result = serve(tmp_path / "data")
    assert result.returncode != 0
    assert "newer" in result.stderr
    assert "Traceback" not in result.stderr


def test_two_servers_on_one_data_directory(tmp_path: Path) -> None:
    """Both collect, one delivers; when that one is killed the other takes over, and every line is there once."""
    first = start_server(tmp_path / "data")
    second = start_server(tmp_path / "data")
    try:
        for number in range(50):
            assert send(first, f"a-{number}", "shared")[0] == 200
            assert send(second, f"b-{number}", "shared")[0] == 200
        first.process.kill()
        first.process.wait()
        for number in range(50, 100):
            assert send(second, f"b-{number}")[0] == 200
        in_log = [event["id"] for event in second.events()]
        assert len(in_log) == len(set(in_log)) == 151
        assert eventually(lambda: lines(second) == in_log)
    finally:
        first.process.kill()
        assert second.stop() == 0


def test_a_port_in_use(tmp_path: Path) -> None:
    """One line says which port and what to do."""
    server = start_server(tmp_path / "data")
    try:
        port = server.url.rpartition(":")[2]
        command = [
            sys.executable,
            "-m",
            "trackside",
            "serve",
            "--port",
            port,
            "--data-dir",
            str(tmp_path / "other"),
        ]
        result = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert result.returncode == 2
        assert f"port {port}" in result.stderr
        assert "Traceback" not in result.stderr
    finally:
        assert server.stop() == 0
