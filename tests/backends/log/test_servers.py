"""The log backend inside the servers that sites run: workers that fork, are recycled, and share one thread."""

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.backends.programs import PRELUDE, names_in, run_program

pytestmark = pytest.mark.faults

SITE = """
import os, sys
from trackside import tracker
from trackside.backends.log import LogBackend
tracker.register_tracker(tracker.Tracker(backends={"log": LogBackend(os.environ["SITE_DATA"])}))
tracker.emit("loaded")

def application(environ, start_response):
    tracker.emit(environ["QUERY_STRING"])
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "2")])
    return [b"ok"]
"""
REQUESTS = 300


def uwsgi_of_this_python() -> str:
    """Return the program beside the interpreter: one compiled for another Python cannot run this one's packages."""
    program = Path(sys.executable).with_name("uwsgi")
    if program.exists():
        return str(program)
    if os.environ.get("REQUIRE_UWSGI") == "1":
        pytest.fail(f"{program} is missing, and REQUIRE_UWSGI=1")
    pytest.skip("uwsgi is not installed beside the interpreter (it has to be compiled): pip install uwsgi")


@contextmanager
def running(command: list[str], port: int, folder: Path) -> Iterator[None]:
    """Run the server while the block runs, and end it as an operator does."""
    (folder / "site_app.py").write_text(SITE)
    environment = {**os.environ, "SITE_DATA": str(folder / "data"), "PYTHONPATH": str(folder)}
    output = folder / "output"
    with output.open("wb") as sink:
        process = subprocess.Popen(
            command, env=environment, stdout=sink, stderr=subprocess.STDOUT, cwd=folder
        )
    try:
        deadline = time.monotonic() + 20
        while not answers(port, "warm"):
            assert process.poll() is None, output.read_text()
            assert time.monotonic() < deadline, output.read_text()
            time.sleep(0.05)
        yield
        process.send_signal(signal.SIGTERM)
        process.wait(40)
    finally:
        process.kill()
        process.wait()


def answers(port: int, name: str) -> bool:
    with suppress(OSError, http.client.HTTPException):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", f"/?{name}")
            return connection.getresponse().read() == b"ok"
        finally:
            connection.close()
    return False


def send_requests(port: int) -> list[str]:
    """Return the names that were answered; a worker that is recycled may break a connection."""
    names = [f"request-{number}" for number in range(REQUESTS)]
    with ThreadPoolExecutor(4) as pool:
        answered = list(pool.map(lambda name: answers(port, name), names))
    kept = [name for name, ok in zip(names, answered, strict=True) if ok]
    assert len(kept) > REQUESTS * 0.9
    return kept


def assert_stored(folder: Path, wanted: list[str]) -> None:
    names = names_in(folder / "data")
    assert set(wanted) <= set(names), sorted(set(wanted) - set(names))
    requests = [name for name in names if name.startswith("request-")]
    assert len(requests) == len(set(requests))
    assert "loaded" in names


@pytest.mark.parametrize("worker", ["sync", "gthread", "gevent"])
@pytest.mark.parametrize("preload", [False, True])
def test_gunicorn_recycles_its_workers(tmp_path: Path, free_port: int, worker: str, preload: bool) -> None:
    """Each worker ends after 20 requests: what it emitted last is stored too."""
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "site_app:application",
        "-b",
        f"127.0.0.1:{free_port}",
        "-w",
        "2",
    ]
    options = ["-k", worker, "--max-requests", "20", "--max-requests-jitter", "5", "--graceful-timeout", "5"]
    with running([*command, *options, *(["--preload"] if preload else [])], free_port, tmp_path):
        wanted = send_requests(free_port)
    assert_stored(tmp_path, wanted)


@pytest.mark.parametrize(
    "options",
    [["--enable-threads"], ["--enable-threads", "--lazy-apps"], ["--lazy-apps"], [], ["--threads", "2"]],
    ids=lambda options: " ".join(options) or "no-threads",
)
def test_uwsgi_recycles_its_workers(tmp_path: Path, free_port: int, options: list[str]) -> None:
    """Also where it forks without telling Python, and where it lets no other thread run between requests."""
    uwsgi = uwsgi_of_this_python()
    command = [
        uwsgi,
        "--http-socket",
        f"127.0.0.1:{free_port}",
        "--module",
        "site_app",
        "--master",
        "--processes",
        "2",
    ]
    more = ["--home", sys.prefix, "--max-requests", "20", "--die-on-term", "--disable-logging", "--need-app"]
    # a worker that is only just starting may miss the signal to stop; by default it is waited for a minute
    more += ["--reload-mercy", "15", "--worker-reload-mercy", "15"]
    with running([*command, *more, *options], free_port, tmp_path):
        wanted = send_requests(free_port)
    assert_stored(tmp_path, wanted)


@pytest.mark.parametrize("when", ["before", "after"])
def test_gevent(tmp_path: Path, when: str) -> None:
    """Many greenlets emit; the world is patched before our modules are imported, as it should be, or after."""
    pytest.importorskip("gevent", reason="gevent is not installed")
    patch = "from gevent import monkey; monkey.patch_all()\n"
    program = """
import gevent
def work(number):
    for n in range(50):
        emit(f"{number} {n}")
        gevent.sleep(0)
gevent.joinall([gevent.spawn(work, number) for number in range(20)])
assert emit("durable", durable=True)
if not os.fork():
    emit("child")
    sys.exit()
os.wait()
"""
    prelude = patch + PRELUDE if when == "before" else PRELUDE + patch
    result = run_program(program, tmp_path, prelude=prelude)
    assert result.returncode == 0, result.stderr
    names = names_in(tmp_path)
    assert sorted(names) == sorted(
        ["durable", "child", *(f"{number} {n}" for number in range(20) for n in range(50))]
    )
