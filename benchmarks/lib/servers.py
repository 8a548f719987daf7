"""The servers that are measured, each started in a folder of its own and stopped afterwards."""

import base64
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.lib import bench_venv
from benchmarks.lib.events import ACCOUNTS, one_event

WRITE_KEY = "benchmark"
WEBHOOK_SECRET = "benchmark-secret"
SITE = "https://lms.example.org"
"""The origin of the pages that send."""
AUTHORIZATION = "Authorization: Basic " + base64.b64encode(f"{WRITE_KEY}:".encode()).decode()


class ServerError(Exception):
    """A server did not start, or stopped by itself; the message ends with what it printed."""


@dataclass(frozen=True)
class Server:
    """A running server: where to post single events and batches, and which process to account."""

    name: str
    pid: int
    directory: Path
    single_url: str
    batch_url: str
    headers: tuple[str, ...]
    started_s: float
    """From starting the process to its first answer (Trackside's: to the first event answered 200)."""

    def at(self, path: str, headers: tuple[str, ...]) -> "Server":
        """Return the same server, where it takes other requests."""
        address = "/".join(self.single_url.split("/")[:3])
        return replace(self, single_url=address + path, headers=headers)


def free_port() -> int:
    """Return a port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def baseline(directory: Path) -> Iterator[Server]:
    """Run the Django site under gunicorn with 2 synchronous workers."""
    with _site("baseline", directory, str(bench_venv.python()), "benchmarks.baseline.settings") as server:
        yield server


@contextmanager
def webhook_view(directory: Path, *, name: str, log: bool) -> Iterator[Server]:
    """Run the same site with Trackside's app, middleware, backends and view; with `log`, keep events there too."""
    settings = "benchmarks.webhook_view_settings"
    data = {"TRACKSIDE_BENCH_LOG": str(directory / "data")} if log else {}
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "trackside.toml").write_text("[destinations]\n", encoding="utf-8")  # for who reads the log
    with _site(name, directory, sys.executable, settings, **data) as server:
        yield server


@contextmanager
def _site(name: str, directory: Path, python: str, settings: str, **environment: str) -> Iterator[Server]:
    directory.mkdir(parents=True, exist_ok=True)
    environment |= {"TRACKSIDE_BENCH_DIR": str(directory), "DJANGO_SETTINGS_MODULE": settings}
    prepare = [python, "-m", "benchmarks.baseline.prepare", str(ACCOUNTS)]
    subprocess.run(prepare, check=True, cwd=bench_venv.ROOT, env={**os.environ, **environment})
    port = free_port()
    options = [
        "--workers",
        "2",
        "--worker-class",
        "sync",
        "--bind",
        f"127.0.0.1:{port}",
        "--log-level",
        "warning",
    ]
    command = [python, "-m", "gunicorn", *options, "benchmarks.baseline.wsgi:application"]
    url = f"http://127.0.0.1:{port}/segmentio/event"
    with _running(command, directory, probe=url, environment=environment) as (pid, started_s):
        yield Server(name, pid, directory, f"{url}?key={WEBHOOK_SECRET}", "", (), started_s)


@contextmanager
def limit(directory: Path) -> Iterator[Server]:
    """Run the server Trackside runs on, with an application that only reads the body."""
    directory.mkdir(parents=True, exist_ok=True)
    port = free_port()
    options = [
        "--loop",
        "uvloop",
        "--http",
        "httptools",
        "--ws",
        "none",
        "--lifespan",
        "off",
        "--no-access-log",
    ]
    options += [
        "--no-server-header",
        "--no-date-header",
        "--no-proxy-headers",
        "--log-level",
        "warning",
        "--port",
        str(port),
    ]
    command = [sys.executable, "-m", "uvicorn", *options, "benchmarks.limit.app:app"]
    url = f"http://127.0.0.1:{port}/"
    with _running(command, directory, probe=url, environment={}) as (pid, started_s):
        yield Server("limit", pid, directory, url, url, (AUTHORIZATION,), started_s)


@contextmanager
def trackside(
    directory: Path, *, tracking_log: bool = True, name: str = "trackside", workers: int = 1
) -> Iterator[Server]:
    """Run Trackside as it is installed here, with its tracking log or with no destination at all."""
    source = ["[sources.web]", 'kind = "segment"', f'write_key = "{WRITE_KEY}"']
    url, start = _configured(directory, source, tracking_log=tracking_log, workers=workers)
    probe = urllib.request.Request(f"{url}/v1/track", one_event(), _as_dict(AUTHORIZATION))
    with start(probe) as (pid, started_s):
        yield Server(name, pid, directory, f"{url}/v1/track", f"{url}/v1/batch", (AUTHORIZATION,), started_s)


@contextmanager
def webhook(directory: Path, *, tracking_log: bool = True, name: str = "trackside") -> Iterator[Server]:
    """Run Trackside with Segment's webhook, the accounts of the baseline in its table of users."""
    source = ["[sources.mobile]", 'kind = "segment_webhook"', f'secret = "{WEBHOOK_SECRET}"']
    url, start = _configured(directory, source, tracking_log=tracking_log)
    (directory / "data").mkdir(mode=0o700, exist_ok=True)
    accounts = "id,username\n" + "".join(f"{each},learner{each:05}\n" for each in range(1, ACCOUNTS + 1))
    command = [sys.executable, "-m", "trackside", "users", "import", "-", "--format", "csv"]
    command += ["--config", str(directory / "trackside.toml"), "--data-dir", str(directory / "data")]
    subprocess.run(
        command, input=accounts.encode(), check=True, cwd=bench_venv.ROOT, stdout=subprocess.DEVNULL
    )
    target = f"{url}/segmentio/event?key={WEBHOOK_SECRET}"
    probe = urllib.request.Request(target, one_event(), {"Content-Type": "application/json"})
    with start(probe) as (pid, started_s):
        yield Server(name, pid, directory, target, "", (), started_s)


@contextmanager
def clients(directory: Path, *, tracking_log: bool = True, name: str = "trackside") -> Iterator[Server]:
    """Run Trackside for browser events of the pages of one site, and for clients with their own clock."""
    source = [
        "[sources.pages]",
        'kind = "browser"',
        f'origins = ["{SITE}"]',
        "[sources.rtc]",
        'kind = "apprtc"',
    ]
    url, start = _configured(directory, source, tracking_log=tracking_log)
    with start(urllib.request.Request(f"{url}/event?event_type=probe")) as (pid, started_s):
        yield Server(name, pid, directory, f"{url}/event", "", (), started_s)


Probed = Callable[[urllib.request.Request], AbstractContextManager[tuple[int, float]]]
"""Starts a server; it runs once the request is answered."""


def _configured(
    directory: Path, source: Sequence[str], *, tracking_log: bool, workers: int = 1
) -> tuple[str, Probed]:
    """Return the address of a Trackside with this source, and what starts it."""
    directory.mkdir(parents=True, exist_ok=True)
    settings = directory / "trackside.toml"
    destination = ["[destinations]"]
    if tracking_log:
        destination = ["[destinations.tracking_log]", 'kind = "tracking_log"', 'path = "tracking.log"']
    settings.write_text("\n".join([*source, *destination]) + "\n", encoding="utf-8")
    port = free_port()
    command = [sys.executable, "-m", "trackside", "serve", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--data-dir", str(directory / "data"), "--config", str(settings)]
    environment = {"TRACKSIDE_WORKERS": str(workers)} if workers > 1 else {}

    def start(probe: urllib.request.Request) -> AbstractContextManager[tuple[int, float]]:
        return _running(command, directory, probe=probe, environment=environment)

    return f"http://127.0.0.1:{port}", start


@contextmanager
def _running(
    command: Sequence[str],
    directory: Path,
    *,
    probe: str | urllib.request.Request,
    environment: Mapping[str, str],
) -> Iterator[tuple[int, float]]:
    output = directory / "output.txt"
    begun = time.monotonic()
    with output.open("ab") as sink:
        process = subprocess.Popen(
            command,
            cwd=bench_venv.ROOT,
            stdout=sink,
            stderr=sink,
            env={**os.environ, **environment},
            process_group=0,
        )
    try:
        _await_answer(process, probe, output)
        yield process.pid, time.monotonic() - begun
        if process.poll() is not None:
            raise ServerError(f"{command[2]} stopped by itself:\n{_tail(output)}")
    finally:
        _stop(process)


def _as_dict(header: str) -> dict[str, str]:
    name, _, value = header.partition(": ")
    return {name: value, "Content-Type": "application/json"}


def _await_answer(
    process: subprocess.Popen[bytes],
    probe: str | urllib.request.Request,
    output: Path,
    *,
    timeout_s: float = 60.0,
) -> None:
    """Return once the server answers; to a mere GET of a URL a refusal is an answer, too."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ServerError(f"{process.args!r} ended with {process.returncode}:\n{_tail(output)}")
        try:
            with urllib.request.urlopen(probe, timeout=5):
                return
        except urllib.error.HTTPError as answer:
            if isinstance(probe, str) and answer.code < 500:
                return
        except OSError:
            pass
        time.sleep(0.01)
    raise ServerError(f"{process.args!r} did not answer within {timeout_s:g} s:\n{_tail(output)}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _tail(output: Path) -> str:
    return output.read_text(encoding="utf-8", errors="replace")[-2_000:]
