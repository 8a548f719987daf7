"""Which call of Segment's library an event becomes."""

import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock
from uuid import UUID

import pytest

from trackside.backends import segment
from trackside.backends.segment import SegmentBackend
from trackside.emitted.identity import sending_as
from trackside.segment_mapping import content_id, segment_context, to_segment_call
from trackside.telemetry import catalogue

AT = datetime(2026, 11, 3, 9, 30, 15, 120_000, tzinfo=UTC)


@pytest.fixture
def analytics(monkeypatch: pytest.MonkeyPatch) -> Iterator[MagicMock]:
    catalogue.BACKEND_DROPPED.reset()
    fake = MagicMock()
    monkeypatch.setattr(segment, "analytics", fake)
    yield fake
    catalogue.BACKEND_DROPPED.reset()


def event(**context: Any) -> dict[str, Any]:
    return {"name": "edx.x", "context": {"user_id": 10, **context}}


def test_the_least_event(analytics: MagicMock) -> None:
    """User, name, the whole event as properties, and a context that is empty."""
    SegmentBackend().send(event())
    analytics.track.assert_called_once_with(10, "edx.x", event(), context={})


def test_time_and_id_pass_through(analytics: MagicMock) -> None:
    """Segment learns when it happened, and the same id each time the same event is sent."""
    timed = {**event(), "timestamp": AT, "data": {"a": 1}}
    for _ in range(2):
        SegmentBackend().send(timed)
    first, second = (call.kwargs for call in analytics.track.call_args_list)
    assert first["timestamp"] == AT
    assert first["message_id"] == second["message_id"] == content_id(timed)
    assert content_id({**timed, "data": {"a": 2}}) != first["message_id"]
    with sending_as("outbox-7"):
        SegmentBackend().send(timed)
    assert analytics.track.call_args.kwargs["message_id"] == "outbox-7"


@pytest.mark.parametrize(
    "nobody",
    [
        {"context": {"user_id": 1}},
        {"name": None, "context": {"user_id": 1}},
        {"name": "x"},
        {"name": "x", "context": None},
        {"name": "x", "context": {}},
        {"name": "x", "context": {"user_id": None}},
    ],
)
def test_events_of_nobody(analytics: MagicMock, nobody: dict[str, Any]) -> None:
    """Without a name or a user it is not Segment's, and no loss either."""
    SegmentBackend().send(nobody)
    analytics.track.assert_not_called()
    assert catalogue.BACKEND_DROPPED.values() == {}


CONTEXTS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"client_id": "1.2"}, {"Google Analytics": {"clientId": "1.2"}}),
    ({"ip": "203.0.113.7"}, {"ip": "203.0.113.7"}),
    ({"ip": ""}, {"ip": ""}),
    ({"agent": "Firefox"}, {"userAgent": "Firefox"}),
    ({"path": "/a"}, {"page": {"path": "/a"}}),
    ({"path": ""}, {"page": {"path": ""}}),
    ({"referer": "https://r"}, {"page": {"referrer": "https://r"}}),
    ({"page": "https://p/x"}, {"page": {"url": "https://p/x"}}),
    ({"host": "h", "path": "/a"}, {"page": {"path": "/a", "url": "https://h/a"}}),
    ({"host": "h", "path": "/a", "page": ""}, {"page": {"path": "/a", "url": "https://h/a"}}),
    ({"host": "h", "path": "/a", "page": "https://p"}, {"page": {"path": "/a", "url": "https://p"}}),
    ({"host": "h"}, {}),
    ({"host": 5, "path": "/a"}, {"page": {"path": "/a"}}),
    ({"client_id": None, "ip": None, "agent": None, "path": None, "referer": None, "page": None}, {}),
]
"""Contexts of the tracker, and the ones of Segment they become."""


@pytest.mark.parametrize(("context", "expected"), CONTEXTS)
def test_the_context(context: dict[str, Any], expected: dict[str, Any]) -> None:
    """Every field under Segment's name; only None counts as absent."""
    assert segment_context(context) == expected


def test_values_that_the_library_would_drop() -> None:
    """They are written down as JSON has them; what needs no change stays the same object."""
    data = {"id": UUID(int=5), "nan": float("nan"), "list": [b"x", 1], "at": AT}
    original = {**event(), "timestamp": AT, "data": data}
    call = to_segment_call(original)
    assert call is not None
    assert call.properties["data"] == {"id": str(UUID(int=5)), "nan": None, "list": ["eA==", 1], "at": AT}
    assert call.properties["context"] is original["context"]
    assert data["id"] == UUID(int=5)
    plain = event()
    unchanged = to_segment_call(plain)
    assert unchanged is not None
    assert unchanged.properties is plain


def test_without_the_library(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Every event is counted, and the log says what to install."""
    catalogue.BACKEND_DROPPED.reset()
    monkeypatch.setattr(segment, "analytics", None)
    SegmentBackend().send(event())
    assert catalogue.BACKEND_DROPPED.value("segment", "not_installed") == 1
    assert "segment-analytics-python" in caplog.text
    catalogue.BACKEND_DROPPED.reset()


def test_what_the_library_refuses_is_counted(analytics: MagicMock) -> None:
    """An assertion (no write key), or a queue that is full."""
    analytics.track.side_effect = AssertionError
    SegmentBackend().send(event())
    analytics.track.side_effect = None
    analytics.track.return_value = (False, {})
    SegmentBackend().send(event())
    assert catalogue.BACKEND_DROPPED.value("segment", "refused") == 1
    assert catalogue.BACKEND_DROPPED.value("segment", "queue_full") == 1


def test_a_write_key_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is set where the application has not set one."""
    fake = SimpleNamespace(write_key=None, host=None, track=lambda *_, **__: (True, {}))
    monkeypatch.setattr(segment, "analytics", fake)
    SegmentBackend(write_key="ours", host="https://h").send(event())
    assert (fake.write_key, fake.host) == ("ours", "https://h")
    fake.write_key = "theirs"
    SegmentBackend(write_key="ours").send(event())
    assert fake.write_key == "theirs"


def test_flush_gives_up(analytics: MagicMock) -> None:
    """The library waits without end for a server that does not answer; we do not."""
    release = threading.Event()
    analytics.flush.side_effect = lambda: release.wait(10)
    assert SegmentBackend().flush(0.01) is False
    release.set()
    assert SegmentBackend().flush(5) is True


def test_a_child_gets_a_client_of_its_own(analytics: MagicMock) -> None:
    """The library's thread does not survive a fork."""
    backend = SegmentBackend()
    backend.send(event())
    pid = os.fork()
    if not pid:
        os._exit(0 if analytics.default_client is None else 1)
    assert os.waitpid(pid, 0)[1] == 0
    assert analytics.default_client is not None
