"""A real worker behind a real broker."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.backends.programs import run_program
from tests.backends.tcp_proxy import TcpProxy
from tests.conftest import missing

pytestmark = pytest.mark.faults
RABBITMQ_PORT = 5672

EMIT = """
import sys, time
from tests.backends import celery_site as site
from trackside import tracker
"""


@pytest.fixture
def proxy() -> Iterator[TcpProxy]:
    try:
        socket.create_connection(("127.0.0.1", RABBITMQ_PORT), timeout=1).close()
    except OSError:
        missing("RabbitMQ on port 5672")
    proxy = TcpProxy(RABBITMQ_PORT)
    yield proxy
    proxy.cut()


@pytest.fixture
def site(proxy: TcpProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)  # the worker's tracker is the site's own
    queue = f"trackside-{uuid4().hex}"
    monkeypatch.setenv("SITE_BROKER", f"amqp://guest:guest@127.0.0.1:{proxy.port}//")
    monkeypatch.setenv("SITE_QUEUE", queue)
    monkeypatch.setenv("SITE_FOLDER", str(tmp_path))
    yield tmp_path
    monkeypatch.setenv("SITE_BROKER", f"amqp://guest:guest@127.0.0.1:{RABBITMQ_PORT}//")
    run_program(
        "with site.app.connection() as c: c.default_channel.queue_delete(sys.argv[1])", queue, prelude=EMIT
    )


def start_worker(pool: str) -> "subprocess.Popen[bytes]":
    command = ["-A", "tests.backends.celery_site", "worker", "-P", pool, "-c", "2"]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "CRITICAL"]
    environment = {**os.environ, "SITE_BROKER": f"amqp://guest:guest@127.0.0.1:{RABBITMQ_PORT}//"}
    return subprocess.Popen([sys.executable, "-m", "celery", *command, *quiet], env=environment)


def lines(folder: Path, name: str, wanted: int, timeout_s: float = 20) -> list[list[str]]:
    """Return what the worker wrote down, as soon as it is so many lines."""
    deadline = time.monotonic() + timeout_s
    while True:
        path = folder / name
        found = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        if len(found) >= wanted or time.monotonic() > deadline:
            return [json.loads(line) for line in found]
        time.sleep(0.05)


@pytest.mark.parametrize("pool", ["solo", "prefork"])
def test_every_event_reaches_every_backend_once(site: Path, proxy: TcpProxy, pool: str) -> None:
    """One of two backends fails for every event at first: it gets them later, the other one not twice."""
    proxy.open()
    program = "for n in range(250): tracker.emit(str(n))"
    result = run_program(program, prelude=EMIT)
    assert result.returncode == 0, result.stderr
    worker = start_worker(pool)
    try:
        healthy, flaky = lines(site, "healthy", 250), lines(site, "flaky", 250)
    finally:
        worker.terminate()
        assert worker.wait(30) == 0
    assert sorted(int(name) for name, _ in healthy) == list(range(250))
    assert sorted(healthy) == sorted(flaky)
    assert len({id_ for _, id_ in healthy}) == 250


def test_a_dead_broker(site: Path, proxy: TcpProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Emitting stays quick; what fits into the memory goes on when the broker is back, the rest is counted."""
    monkeypatch.setenv("SITE_QUEUE_BYTES", "50000")
    program = """
from trackside.telemetry import catalogue
durations = []
for n in range(1_000):
    began = time.perf_counter()
    tracker.emit(str(n))
    durations.append(time.perf_counter() - began)
# p99 of the calmest quarter: a broker that is waited for holds up all of them, what else the machine does some
calmest = min(sorted(durations[start : start + 250])[247] for start in range(0, 1_000, 250))
assert calmest < 0.005, sorted(durations)[-20:]
lost = catalogue.BACKEND_DROPPED.value("async_routing", "queue_full")
assert lost > 0
print(int(lost), flush=True)
sys.stdin.readline()
assert site.backend.flush(20)
"""
    command = [sys.executable, "-c", EMIT + program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        lost = int(process.stdout.readline())
        proxy.open()
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.wait(60) == 0
    worker = start_worker("solo")
    try:
        healthy = lines(site, "healthy", 1_000 - lost)
    finally:
        worker.terminate()
        worker.wait(30)
    assert len(healthy) == 1_000 - lost
    assert [int(name) for name, _ in healthy] == sorted({int(name) for name, _ in healthy})


def test_after_a_fork_the_child_has_a_connection_of_its_own(site: Path, proxy: TcpProxy) -> None:
    """Prefork servers fork after the first emit: neither side's events get lost or mixed up."""
    proxy.open()
    program = """
import os
tracker.emit("before")
assert site.backend.flush(10)
pid = os.fork()
for n in range(20): tracker.emit(f"{'parent' if pid else 'child'} {n}")
if pid: assert os.waitpid(pid, 0)[1] == 0
"""
    result = run_program(program, prelude=EMIT)
    assert result.returncode == 0, result.stderr
    worker = start_worker("solo")
    try:
        names = [name for name, _ in lines(site, "healthy", 41)]
    finally:
        worker.terminate()
        worker.wait(30)
    expected = ["before", *(f"{who} {n}" for who in ("parent", "child") for n in range(20))]
    assert sorted(names) == sorted(expected)
