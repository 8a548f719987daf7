"""What people get who test their own site's events."""

import subprocess
import sys
import unittest
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import transaction
from django.test import TestCase

from tests.django.conftest import Emitted
from trackside import testing
from trackside import tracker as tracking
from trackside.testing import CapturesEvents, assert_emitted, assert_not_emitted, capture_events
from trackside.tracker import TRACKERS, Tracker, emit, get_tracker, set_on_commit


@pytest.fixture(autouse=True)
def _no_trackers() -> Iterator[None]:
    before = dict(TRACKERS)
    TRACKERS.clear()
    yield
    TRACKERS.clear()
    TRACKERS.update(before)


def test_events_are_captured_with_their_context() -> None:
    with capture_events() as events:
        data = {"a": 1}
        with get_tracker().context("c", {"user_id": 7}):
            emit("x", data)
        data["a"] = 2
    assert [event["name"] for event in events] == ["x"]
    assert events[0]["data"] == {"a": 1}
    assert events[0]["context"] == {"user_id": 7}
    assert testing.outbox is events
    assert TRACKERS == {}


def test_no_backend_gets_them_and_processors_run(emitted: Emitted) -> None:
    """Also where the code under test has got hold of its tracker before."""
    tracker = get_tracker()
    tracker.routing_backend.register_processor(lambda event: {**event, "name": "renamed"})
    with capture_events() as events:
        tracker.emit("x")
    assert emitted == []
    assert [event["name"] for event in events] == ["renamed"]
    tracker.emit("y")
    assert len(emitted) == 1


def test_every_capture_begins_anew() -> None:
    with capture_events():
        emit("x")
    with capture_events() as events:
        assert events == []


def test_a_durable_event_is_durable() -> None:
    with capture_events():
        assert emit("x", durable=True) is True


def test_what_waits_for_a_commit_is_there_at_once() -> None:
    """And the handler for commits is back afterwards."""

    def handler(tracker: Tracker, event: object) -> bool:
        raise AssertionError("not while captured")

    set_on_commit(handler)
    try:
        with capture_events() as events:
            emit("x", on_commit=True)
            assert len(events) == 1
        assert tracking._on_commit is handler
    finally:
        set_on_commit(None)


@pytest.mark.django_db
def test_commits_can_be_awaited() -> None:
    with capture_events(commits=False) as events:
        with TestCase.captureOnCommitCallbacks(execute=True), transaction.atomic():
            emit("committed", on_commit=True)
            assert events == []
        with transaction.atomic():
            emit("rolled back", on_commit=True)
            transaction.set_rollback(True)
    assert [event["name"] for event in events] == ["committed"]


def test_assertions() -> None:
    with capture_events():
        emit("x", {"a": 1, "b": 2})
        emit("x", {"a": 2})
    assert assert_emitted("x")["data"] == {"a": 2}
    assert assert_emitted("x", {"a": 1})["data"] == {"a": 1, "b": 2}
    assert_emitted("x", times=2)
    assert_not_emitted("y")
    assert_not_emitted("x", {"a": 3})
    assert_emitted("z", events=[{"name": "z", "data": "text", "context": {}}])


@pytest.mark.parametrize(
    ("failing", "message"),
    [
        (lambda: assert_emitted("y"), "no event 'y'; emitted: 'x', 'z'"),
        (
            lambda: assert_emitted("x", {"a": 2}),
            "no event 'x' with data {'a': 2}; emitted: 'x' {'a': 1} in {}, 'z'",
        ),
        (
            lambda: assert_emitted("x", context={"c": 1}, times=1),
            "0 instead of 1 events 'x' with context {'c': 1}; emitted: 'x' {'a': 1} in {}, 'z'",
        ),
        (
            lambda: assert_not_emitted("z"),
            "1 instead of 0 events 'z'; emitted: 'x', 'z' {} in {}",
        ),
        (lambda: assert_emitted("x", events=[]), "no event 'x'; emitted: nothing"),
    ],
)
def test_failing_assertions_say_what_was_emitted(failing: object, message: str) -> None:
    with capture_events():
        emit("x", {"a": 1})
        emit("z")
    with pytest.raises(AssertionError) as failed:
        failing()  # type: ignore[operator]
    assert str(failed.value) == message


def test_the_package_has_no_other_names() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        _ = testing.nonsense


def test_a_test_case_that_captures() -> None:
    class Case(CapturesEvents):
        def runTest(self) -> None:  # noqa: N802  # unittest's name
            emit("x")
            assert [event["name"] for event in self.events] == ["x"]
            assert_emitted("x")

    result = unittest.TestResult()
    Case().run(result)
    assert result.wasSuccessful()
    assert result.testsRun == 1


def test_the_fixture_comes_with_the_package(tmp_path: Path) -> None:
    """In a project that configures neither Django nor Trackside; loading it loads nothing else."""
    (tmp_path / "test_it.py").write_text(
        "import sys\n"
        "def test_loaded():\n"
        "    assert 'trackside.tracker' not in sys.modules\n"
        "def test_events(trackside_events):\n"
        "    from trackside.tracker import emit\n"
        "    emit('x', {'a': 1})\n"
        "    assert trackside_events[0]['data'] == {'a': 1}\n"
    )
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:django",
        "-p",
        "no:cacheprovider",
        str(tmp_path),
    ]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stdout
