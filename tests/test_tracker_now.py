"""The tracker's short way: parts instead of an event, and only where nobody can tell the difference."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest

from trackside import tracker as module
from trackside.emitted import EmittedEvent, also_now
from trackside.routing import RoutingBackend
from trackside.telemetry import catalogue
from trackside.tracker import Tracker


class Short:
    """Keeps what it is sent, and which way; names that begin with `odd` it wants as a whole."""

    mutates = False

    def __init__(self) -> None:
        self.parts: list[tuple[Any, ...]] = []
        self.events: list[EmittedEvent] = []

    @also_now
    def send(self, event: EmittedEvent) -> None:
        """Keep `event`."""
        self.events.append(event)

    def send_now(self, name: Any, data: Any, context: dict[str, Any]) -> bool:
        """Keep the parts."""
        if name.startswith("odd"):
            return False
        self.parts.append((name, data, context))
        return True


class Whole:
    """Keeps events."""

    mutates = False

    def __init__(self) -> None:
        self.events: list[EmittedEvent] = []

    def send(self, event: EmittedEvent) -> None:
        """Keep `event`."""
        self.events.append(event)


@pytest.fixture
def short() -> Short:
    return Short()


@pytest.fixture
def tracker(short: Short) -> Tracker:
    tracker = Tracker({"short": short})
    tracker.emit("first")
    assert short.parts.pop() == ("first", {}, {})
    return tracker


def names(short: Short) -> tuple[list[str], list[str]]:
    return [part[0] for part in short.parts], [event["name"] for event in short.events]


def test_the_parts_are_those_of_the_event(tracker: Tracker, short: Short) -> None:
    before = catalogue.EMITTED.value()
    with tracker.context("a", {"user_id": 1}), tracker.context("b", {"user_id": 2, "ip": "x"}):
        assert tracker.emit("n", {"a": 1}) is None
    tracker.emit()
    assert short.parts == [("n", {"a": 1}, {"user_id": 2, "ip": "x"}), ("unknown", {}, {})]
    assert short.events == []
    assert catalogue.EMITTED.value() == before + 2


def test_what_is_not_for_the_short_way_goes_the_long_one(tracker: Tracker, short: Short) -> None:
    tracker.emit("odd", {"a": 1})
    assert short.parts == []
    assert [(event["name"], event["data"]) for event in short.events] == [("odd", {"a": 1})]


def test_a_processor_added_later_sees_every_event(tracker: Tracker, short: Short) -> None:
    def rename(event: EmittedEvent) -> EmittedEvent:
        return {**event, "name": "renamed"}

    tracker.processors.append(rename)
    tracker.emit("n")
    tracker.processors.remove(rename)
    tracker.emit("n")
    assert names(short) == (["n"], ["renamed"])


def test_backends_changed_later_get_every_event(tracker: Tracker, short: Short) -> None:
    other = Whole()
    tracker.backends["other"] = other
    tracker.emit("to both")
    del tracker.backends["short"]
    tracker.emit("to the other")
    tracker.backends["other"] = again = Short()
    tracker.emit("to another")
    tracker.backends.clear()
    tracker.emit("to none")
    assert names(short) == ([], ["to both"])
    assert [event["name"] for event in other.events] == ["to both", "to the other"]
    assert names(again) == (["to another"], [])


def test_a_class_that_overrides_send_gets_every_event_by_it() -> None:
    class Own(Short):
        def send(self, event: EmittedEvent) -> None:
            super().send({**event, "name": "own"})

    own = Own()
    Tracker({"own": own}).emit("n")
    assert names(own) == ([], ["own"])


def test_a_class_that_inherits_send_keeps_the_short_way() -> None:
    class Derived(Short):
        pass

    derived = Derived()
    Tracker({"derived": derived}).emit("n")
    assert names(derived) == (["n"], [])


@pytest.mark.parametrize("where", ["object", "class"])
def test_a_send_that_a_test_replaces_gets_every_event(tracker: Tracker, short: Short, where: str) -> None:
    with mock.patch.object(short if where == "object" else Short, "send") as send:
        tracker.emit("n", {"a": 1})
    ((event,), _) = send.call_args
    assert (event["name"], event["data"]) == ("n", {"a": 1})
    assert short.parts == []


def test_a_replaced_clock_is_asked(tracker: Tracker, short: Short, monkeypatch: pytest.MonkeyPatch) -> None:
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    monkeypatch.setattr(module, "datetime", SimpleNamespace(now=lambda zone: noon))
    tracker.emit("n")
    assert [event["timestamp"] for event in short.events] == [noon]


@pytest.mark.parametrize("replaced", [RoutingBackend, Whole])
def test_a_replaced_router_gets_every_event(tracker: Tracker, short: Short, replaced: Any) -> None:
    class Own(replaced):  # type: ignore[misc]
        def send(self, event: EmittedEvent) -> None:
            seen.append(event["name"])

    seen: list[str] = []
    tracker.routing_backend = Own()
    tracker.emit("n")
    assert (seen, short.parts) == (["n"], [])


def test_promises_need_the_whole_event(tracker: Tracker, short: Short) -> None:
    tracker.emit("durable", durable=True)
    tracker.emit("on_commit", on_commit=True)
    assert names(short) == ([], ["durable", "on_commit"])


def test_a_failure_on_the_short_way_is_counted_and_stays_the_backend_s(
    tracker: Tracker, short: Short
) -> None:
    before = catalogue.TRACKER_BACKEND_FAILURES.value("short")
    with mock.patch.object(Short, "send_now", side_effect=OSError):
        assert tracker.emit("n") is None
    assert catalogue.TRACKER_BACKEND_FAILURES.value("short") == before + 1
    assert names(short) == ([], [])


def test_a_name_without_a_truth_value_is_no_reason_to_raise(tracker: Tracker, short: Short) -> None:
    class Ambiguous(str):
        __slots__ = ()

        def __bool__(self) -> bool:
            raise ValueError

    tracker.emit(Ambiguous("n"))
    assert short.parts == [("n", {}, {})]
