"""Events on their way over the bus of Open edX, with the bus replaced."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from unittest.mock import MagicMock
from uuid import UUID

import pytest
from django.test import override_settings

from trackside import tracker
from trackside.backends import event_bus
from trackside.backends.event_bus import EventBusRoutingBackend, send_tracking_log_to_backends
from trackside.errors import ConfigurationError
from trackside.processors.exceptions import EventEmissionExit
from trackside.routing import RoutingBackend
from trackside.tracker import Tracker

AT = datetime(2026, 11, 3, 9, 30, 15, 120_000, tzinfo=UTC)
EVENT = {"name": "edx.x", "timestamp": AT, "data": {"a": 1}, "context": {"user_id": 7}}


@dataclass(frozen=True)
class Log:
    """What goes over the bus."""

    name: str
    timestamp: Any
    data: str
    context: str


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[MagicMock]:
    signal = MagicMock()
    monkeypatch.setattr(event_bus, "TRACKING_EVENT_EMITTED", signal)
    monkeypatch.setattr(event_bus, "TrackingLogData", Log, raising=False)
    monkeypatch.setattr(tracker, "TRACKERS", {})
    with override_settings(SEND_TRACKING_EVENT_EMITTED_SIGNAL=True, EVENT_BUS_TRACKING_LOGS=["edx.x"]):
        yield signal


def sent(bus: MagicMock) -> list[Log]:
    return [call.kwargs["tracking_log"] for call in bus.send_event.call_args_list]


def test_an_event_on_the_bus(bus: MagicMock) -> None:
    """Data and context are texts in the form of the standard library."""
    EventBusRoutingBackend().send(EVENT)
    assert sent(bus) == [Log("edx.x", AT, '{"a": 1}', '{"user_id": 7}')]


@pytest.mark.parametrize(
    "text", ["2026-11-03T09:30:15.120000+00:00", "2026-11-03T09:30:15.120", "2026-11-03T09:30:15.12Z"]
)
def test_times_as_text(bus: MagicMock, text: str) -> None:
    """With or without a zone, with any fraction."""
    EventBusRoutingBackend().send({**EVENT, "timestamp": text})
    assert sent(bus)[0].timestamp == AT


def test_a_time_without_fraction(bus: MagicMock) -> None:
    """A whole second is a time too."""
    EventBusRoutingBackend().send({**EVENT, "timestamp": "2026-11-03T09:30:15+00:00"})
    assert sent(bus)[0].timestamp == AT.replace(microsecond=0)


def test_what_json_does_not_have(bus: MagicMock) -> None:
    """It is written as everywhere else."""
    EventBusRoutingBackend().send({**EVENT, "data": {"id": UUID(int=5), "nan": float("nan"), (1, 2): {3}}})
    assert json.loads(sent(bus)[0].data) == {"id": str(UUID(int=5)), "nan": None, "(1, 2)": [3]}


def test_what_does_not_go(bus: MagicMock) -> None:
    """Other names, and everything while the switch is off; processors do not run here."""
    processor = MagicMock()
    backend = EventBusRoutingBackend(processors=[processor])
    backend.send({**EVENT, "name": "edx.y"})
    with override_settings(SEND_TRACKING_EVENT_EMITTED_SIGNAL=False):
        backend.send(EVENT)
    backend.send(EVENT)
    assert len(sent(bus)) == 1
    processor.assert_not_called()


def test_from_the_bus_to_the_backends(bus: MagicMock) -> None:
    """Every backend of this kind gets the event, its own processors first; others do not."""
    first, second, other = MagicMock(), MagicMock(), MagicMock()
    processor = MagicMock(side_effect=lambda event: {**event, "seen": True})
    closed = MagicMock(side_effect=EventEmissionExit)
    tracker.register_tracker(
        Tracker(
            backends={
                "a": EventBusRoutingBackend(backends={"x": first}, processors=[closed]),
                "b": EventBusRoutingBackend(backends={"x": second}, processors=[processor]),
                "c": RoutingBackend(backends={"x": other}),
            }
        )
    )
    log = Log("edx.x", AT, '{"a": 1}', '{"user_id": 7}')
    send_tracking_log_to_backends(None, None, tracking_log=log, from_event_bus=True)
    second.send.assert_called_once_with({**EVENT, "seen": True})
    first.send.assert_not_called()
    other.send.assert_not_called()


def test_what_was_not_on_the_bus_is_left_alone(bus: MagicMock) -> None:
    """The signal is also sent within the process that emits."""
    inside = MagicMock()
    tracker.register_tracker(Tracker(backends={"a": EventBusRoutingBackend(backends={"x": inside})}))
    send_tracking_log_to_backends(None, None, tracking_log=Log("edx.x", AT, "{}", "{}"))
    inside.send.assert_not_called()


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what to install."""
    monkeypatch.setattr(event_bus, "TRACKING_EVENT_EMITTED", None)
    with pytest.raises(ConfigurationError, match="openedx-events"):
        EventBusRoutingBackend()


def test_with_the_package() -> None:
    """The real signal takes what we send, and our receiver is connected to it."""
    signals = pytest.importorskip(
        "openedx_events.analytics.signals", reason="openedx-events is not installed"
    )
    synchronous, _ = signals.TRACKING_EVENT_EMITTED._live_receivers(None)
    assert send_tracking_log_to_backends in synchronous
