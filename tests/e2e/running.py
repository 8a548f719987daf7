"""A server of its own for a test, as a user starts it, and what an operator can see of it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

START_S = 30.0
STOP_S = 20.0


def eventually(condition: Callable[[], bool], *, timeout_s: float = 30.0) -> bool:
    """Return True as soon as `condition` holds, False where it does not within `timeout_s`.

    For what another process does, where no clock and no event can be passed in.
    """
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@dataclass(frozen=True, kw_only=True)
class RunningServer:
    """A `trackside serve` that answers at `url` and keeps everything in `data_dir`."""

    url: str
    data_dir: Path
    write_key: str
    process: subprocess.Popen[bytes]
    output: Path

    def trackside(self, *arguments: str) -> str:
        """Return what the command `trackside` prints when it is asked about this server's data directory."""
        command = [sys.executable, "-m", "trackside", *arguments, "--data-dir", str(self.data_dir)]
        result = subprocess.run(
            command, capture_output=True, text=True, timeout=60, check=False, env=_environment()
        )
        assert result.returncode == 0, result.stderr
        return result.stdout

    def events(self) -> list[dict[str, Any]]:
        """Return every event of the log in order, as `trackside tail --json` prints them."""
        printed = self.trackside("tail", "--json", "--since", "1", "--limit", "1000000000")
        return [json.loads(line) for line in printed.splitlines()]

    def tracking_lines(self) -> list[dict[str, Any]]:
        """Return the lines of the tracking log, each decoded."""
        path = self.data_dir / "tracking.log"
        if not path.exists():
            return []
        return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]

    def logged(self, count: int) -> bool:
        """Return whether, before long, `count` events are in the log and as many in the tracking log."""

        def complete() -> bool:
            status = json.loads(self.trackside("status", "--json"))
            return status["log"]["events"] >= count and len(self.tracking_lines()) >= count

        return eventually(complete)

    def status(self, path: str) -> int:
        """Return the HTTP status of a GET."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as response:
                return int(response.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def stop(self) -> int:
        """Return the exit status after SIGTERM; kill the server where it does not end."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


def start_server(data_dir: Path, *flags: str) -> RunningServer:
    """Return a server that is ready, on a free port."""
    output = data_dir.with_name(data_dir.name + ".out")
    command = [sys.executable, "-m", "trackside", "serve", "--port", "0", "--data-dir", str(data_dir), *flags]
    with output.open("wb") as sink:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            env=_environment(),
            cwd=data_dir.parent,
            start_new_session=True,  # so that a test can kill all of its processes at once
        )
    try:
        url = _printed_url(process, output)
        config = tomllib.loads((data_dir / "trackside.toml").read_text())
        server = RunningServer(
            url=url,
            data_dir=data_dir,
            write_key=config["sources"]["web"]["write_key"],
            process=process,
            output=output,
        )
        ready = eventually(lambda: server.status("/readyz") == 200, timeout_s=START_S)
        assert ready, f"{_why_not(server)}; it wrote:\n{output.read_text()}"
    except BaseException:
        process.kill()
        process.wait()
        raise
    return server


def _why_not(server: RunningServer) -> str:
    """Return why a server is not ready: it ended, or says so itself."""
    if (ended := server.process.poll()) is not None:
        return f"it ended with {ended}"
    try:
        with urllib.request.urlopen(f"{server.url}/readyz", timeout=5) as response:
            return f"it is ready now, late: {response.status}"
    except urllib.error.HTTPError as error:
        return f"it answers {error.code} {error.read()!r}"
    except OSError as error:
        return f"it does not answer: {error}"


def _printed_url(process: subprocess.Popen[bytes], output: Path) -> str:
    pattern = re.compile(r"http://127\.0\.0\.1:[1-9]\d*")
    printed = lambda: pattern.search(output.read_text()) is not None or process.poll() is not None  # noqa: E731
    eventually(printed, timeout_s=START_S)
    found = pattern.search(output.read_text())
    assert found is not None, output.read_text()
    return found.group()


def _environment() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if name == "TRACKSIDE_HTTP_CLIENT" or not name.startswith(("TRACKSIDE_", "DJANGO_"))
    }
