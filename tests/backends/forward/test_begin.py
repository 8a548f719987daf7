"""Forwarding begins with the first event, or when somebody says so."""

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from trackside.backends.forward import ForwardBackend, backend
from trackside.django.tracker import begin_forwarding
from trackside.emitted import WrittenEvent
from trackside.routing import RoutingBackend
from trackside.tracker import TRACKERS, Tracker


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> "list[Path]":
    """The folders that somebody forwards from."""
    folders: list[Path] = []
    monkeypatch.setattr(backend, "take_turns", lambda folder, *_, **__: folders.append(folder))
    return folders


def finish() -> None:
    """Wait for the threads that forward."""
    for thread in threading.enumerate():
        if thread.name == "trackside-forward":
            thread.join(10)


def made(folder: Path, **options: Any) -> ForwardBackend:
    """Return a backend of that folder."""
    return ForwardBackend("http://127.0.0.1:9", "key", folder, **options)


def test_without_an_event(begun: "list[Path]", tmp_path: Path) -> None:
    """What was left by another process is forwarded; a second call begins nothing."""
    forward = made(tmp_path)
    assert begun == []
    forward.begin()
    forward.begin()
    finish()
    assert begun == [tmp_path]


def test_with_an_event_that_is_written_already(begun: "list[Path]", tmp_path: Path) -> None:
    """As with any other, which is in the log meanwhile."""
    forward = made(tmp_path)
    event = WrittenEvent("an id", "n", datetime(2026, 1, 2, tzinfo=UTC), b"{}", {}, None, b"")
    Tracker({"forward": forward}).emit_written(event)
    finish()
    assert begun == [tmp_path]
    assert forward.flush(10)
    assert [each.id for each in forward.log.read(0).events] == ["an id"]
    forward.log.close()


def test_where_a_command_forwards(begun: "list[Path]", tmp_path: Path) -> None:
    """The process itself does not, whoever asks it to."""
    made(tmp_path, forwards=False).begin()
    finish()
    assert begun == []


def test_all_of_a_process(begun: "list[Path]", tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The backends of every tracker, nested ones too."""
    first, second = made(tmp_path / "a"), made(tmp_path / "b")
    nested = RoutingBackend(backends={"inner": first})
    trackers = {"default": Tracker(backends={"outer": nested}), "openedx": Tracker(backends={"b": second})}
    monkeypatch.setattr("trackside.django.tracker.TRACKERS", trackers)
    begin_forwarding()
    finish()
    assert sorted(begun) == [tmp_path / "a", tmp_path / "b"]
    assert TRACKERS is not trackers
