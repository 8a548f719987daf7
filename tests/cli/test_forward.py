"""forward brings what a host emitted to a server until it is told to stop."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from django.core.management import call_command
from pytest_django import Settings

from tests.backends.segment_server import recorder
from tests.cli.conftest import Place, event
from tests.e2e.running import eventually
from trackside.backends import forward
from trackside.cli.group import cli
from trackside.event import EMITTED

pytestmark = pytest.mark.slow

KEY = "a-key-of-a-forwarder"


class Process:
    """`trackside forward` as a process of its own, with the key in its environment."""

    def __init__(self, data_dir: Path, url: str) -> None:
        self.errors = data_dir.with_name("errors")
        variables = {"TRACKSIDE_FORWARD_URL": url, "TRACKSIDE_FORWARD_WRITE_KEY": KEY}
        with self.errors.open("wb") as sink:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "trackside", "forward", "--data-dir", str(data_dir)],
                env={**os.environ, **variables},
                stderr=sink,
                stdout=subprocess.PIPE,
            )

    def end(self, number: signal.Signals) -> tuple[int, bytes]:
        """Return the exit status after the signal, and what was printed."""
        self.process.send_signal(number)
        printed, _ = self.process.communicate(timeout=30)
        return self.process.returncode, printed


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_until_told_to_stop(place: Place, number: signal.Signals) -> None:
    """Emitted events arrive, others stay; SIGTERM and Ctrl-C end it with 0 and without a traceback."""
    place.append([event(1, "emitted", extra=EMITTED), event(2, "taken in"), event(3, "last", extra=EMITTED)])
    with recorder() as server:
        running = Process(place.data_dir, server.url)
        try:
            arrived = eventually(lambda: len(server.taken) == 2)
            assert arrived, running.errors.read_text()
            ended = running.end(number)
        finally:
            running.process.kill()
            running.process.wait()
    assert [call["event"] for call in server.taken] == ["emitted", "last"]
    assert ended == (0, b"")
    assert running.errors.read_text() == f"forwarding what is emitted into {place.data_dir}\n"
    assert place.json("status")["destinations"]["forward"]["position"] == 3


def test_a_server_that_refuses(place: Place) -> None:
    """A wrong key is told on the standard error, never with the key; the events are kept for another time."""
    place.append([event(1, extra=EMITTED)])
    with recorder(lambda _: (401, {})) as server:
        running = Process(place.data_dir, server.url)
        try:
            told = eventually(lambda: "the server answered 401" in running.errors.read_text())
            assert told, running.errors.read_text()
            assert running.end(signal.SIGTERM)[0] == 0
        finally:
            running.process.kill()
            running.process.wait()
    assert KEY not in running.errors.read_text()
    assert place.json("status")["destinations"]["forward"]["position"] == 0


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Collect what the forwarder was run with, instead of running it."""
    made: list[tuple[Any, ...]] = []

    def run(*arguments: object, **options: object) -> None:
        made.append((*arguments, options["event_bytes"]))

    monkeypatch.setattr(forward, "run_forwarder", run)
    return made


def test_options_and_environment(
    place: Place, calls: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An option goes before its variable; the limits are those of the configuration."""
    monkeypatch.setenv("TRACKSIDE_FORWARD_URL", "https://one.example.org")
    monkeypatch.setenv("TRACKSIDE_FORWARD_WRITE_KEY", "of-the-environment")
    monkeypatch.setenv("TRACKSIDE_LIMITS_EVENT_BYTES", "2048")
    assert place.run("forward").exit_code == 0
    assert place.run("forward", "--url", "https://two.example.org", "--write-key", "given").exit_code == 0
    folder = str(place.data_dir)
    assert calls == [
        (folder, "https://one.example.org", "of-the-environment", 2048),
        (folder, "https://two.example.org", "given", 2048),
    ]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "no server to forward to; give its --url or set TRACKSIDE_FORWARD_URL"),
        (("--url", "https://e.org"), "no key of the server; set TRACKSIDE_FORWARD_WRITE_KEY"),
        (
            ("--url", "events.example.org", "--write-key", KEY),
            "url is 'events.example.org'; want the server's",
        ),
        (("--url", "http://e.org:eighty", "--write-key", KEY), "; want the server's"),
        (("--url", "http://[e.org", "--write-key", KEY), "; want the server's"),
    ],
)
def test_what_has_to_be_given(place: Place, options: tuple[str, ...], told: str) -> None:
    """What is missing or cannot be used is a sentence, and the exit status is 2."""
    result = place.run("forward", *options)
    assert (result.exit_code, told in result.stderr) == (2, True), result.stderr


@pytest.mark.usefixtures("place")
def test_no_log_there(tmp_path: Path) -> None:
    """A wrong --data-dir is told, and nothing is made there."""
    (tmp_path / "folder").mkdir()
    for name, told in (("folder", "folder holds no log; choose"), ("nowhere", "there is no data directory")):
        options = ["--url", "https://e.org", "--write-key", KEY, "--data-dir", str(tmp_path / name)]
        result = CliRunner().invoke(cli, ["forward", *options])
        assert (result.exit_code, told in result.stderr) == (2, True), result.stderr
    assert list((tmp_path / "folder").iterdir()) == []
    assert not (tmp_path / "nowhere").exists()


def test_in_a_django_project(place: Place, calls: list[tuple[Any, ...]], settings: Settings) -> None:
    """`manage.py trackside forward` works on the data directory of the project's settings."""
    settings.TRACKSIDE = {"data_dir": str(place.data_dir)}
    call_command("trackside", "forward", "--url", "https://e.org", "--write-key", KEY)
    assert [call[:3] for call in calls] == [(str(place.data_dir), "https://e.org", KEY)]
