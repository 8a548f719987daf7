"""Several hosts and one server, for real."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.backends.programs import run_program
from tests.e2e.running import eventually, start_server

pytestmark = pytest.mark.faults

PRELUDE = """
import os, sys, threading, time
from trackside import tracker
from trackside.backends.forward import ForwardBackend, run_forwarder
data_dir, url, key, name = sys.argv[1:]
backend = ForwardBackend(url, key, data_dir)
tracker.register_tracker(tracker.Tracker(backends={"forward": backend}))
emit = tracker.emit
"""


def test_from_two_hosts_to_one_server(tmp_path: Path) -> None:
    """Three processes of one host, one of another; one is killed, the server restarts: every event arrives once."""
    server = start_server(tmp_path / "server")
    port = server.url.rpartition(":")[2]
    program = "for n in range(400):\n  emit(f'{name} {n}', {'n': n}, durable=True)\n  time.sleep(0.002)\ntime.sleep(60)"
    hosts = ["first", "first", "first", "second"]
    processes = [
        subprocess.Popen(
            [
                sys.executable,
                "-c",
                PRELUDE + program,
                tmp_path / host,
                server.url,
                server.write_key,
                f"{number}",
            ]
        )
        for number, host in enumerate(hosts)
    ]
    try:
        assert eventually(lambda: len(server.events()) > 100)
        processes[0].send_signal(signal.SIGKILL)
        assert server.stop() == 0
        server = start_server(tmp_path / "server", "--port", port)
        expected = {f"{number} {n}" for number in (1, 2, 3) for n in range(400)}
        assert eventually(lambda: expected <= {event["name"] for event in server.events()}, timeout_s=60)
        names = [event["name"] for event in server.events()]
        assert len(names) == len(set(names))
        for number in (1, 2, 3):
            own = [name for name in names if name.startswith(f"{number} ")]
            assert own == [f"{number} {n}" for n in range(400)]
        killed = [name for name in names if name.startswith("0 ")]
        assert killed == [f"0 {n}" for n in range(len(killed))]
    finally:
        for process in processes:
            process.kill()
            process.wait()
        server.stop()


def test_a_command_of_its_own(tmp_path: Path) -> None:
    """What a process left behind is forwarded by another one, until it is told to stop."""
    server = start_server(tmp_path / "server")
    arguments = [str(tmp_path / "host"), server.url, server.write_key, "x"]
    try:
        emit_only = PRELUDE.replace("data_dir)", "data_dir, forwards=False)")
        result = run_program("for n in range(20): emit(str(n))", *arguments, prelude=emit_only)
        assert result.returncode == 0, result.stderr
        program = """
stop = threading.Event()
threading.Timer(1.5, stop.set).start()
run_forwarder(data_dir, url, key, stop=stop)
"""
        result = run_program(program, *arguments, prelude=PRELUDE)
        assert result.returncode == 0, result.stderr
        assert [event["name"] for event in server.events()] == [str(n) for n in range(20)]
    finally:
        server.stop()


def test_after_a_fork_another_process_has_its_turn(tmp_path: Path) -> None:
    """The child of a forwarder does not hold on to the turn of a parent that is gone."""
    server = start_server(tmp_path / "server")
    program = """
emit("parent")
backend.flush(5)
time.sleep(0.5)
pid = os.fork()
if pid:
    os._exit(0)
for n in range(3): emit(f"child {n}")
backend.flush(5)
time.sleep(8)
"""
    command = [
        sys.executable,
        "-c",
        PRELUDE + program,
        str(tmp_path / "host"),
        server.url,
        server.write_key,
        "x",
    ]
    try:
        process = subprocess.Popen(command, env=dict(os.environ))
        assert process.wait(30) == 0
        expected = {"parent", "child 0", "child 1", "child 2"}
        assert eventually(lambda: {event["name"] for event in server.events()} == expected, timeout_s=15)
    finally:
        server.stop()
