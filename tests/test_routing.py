"""The router: order, what becomes of failures, and who sees whose changes."""

from typing import Any

import pytest

from trackside.processors.exceptions import EventEmissionExit, NoBackendEnabled, NoTransformerImplemented
from trackside.routing import RoutingBackend, leaves_untouched
from trackside.telemetry import catalogue


class Memory:
    """Keeps what it is sent, as it is sent."""

    def __init__(self, journal: list[str] | None = None, name: str = "") -> None:
        self.events: list[Any] = []
        self._journal = journal if journal is not None else []
        self._name = name

    def send(self, event: Any) -> None:
        """Keep `event`."""
        self._journal.append(self._name)
        self.events.append(event)


class Reader(Memory):
    """Promises to leave the event as it is."""

    mutates = False


class Raises:
    """A backend, and a processor, that raises."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def send(self, event: Any) -> None:
        """Raise."""
        raise self._error

    def __call__(self, event: Any) -> Any:
        """Raise."""
        raise self._error


def event() -> dict[str, Any]:
    return {"name": "n", "timestamp": None, "data": {"items": [1]}, "context": {"user_id": 1}}


def add_mark(event: dict[str, Any]) -> None:
    event["data"]["items"].append("mark")


def test_backends_get_events_in_the_order_of_their_names() -> None:
    journal: list[str] = []
    names = ["b", "10", "a", "9", "A"]
    RoutingBackend({name: Memory(journal, name) for name in names}).send(event())
    assert journal == ["10", "9", "A", "a", "b"]


def test_names_of_backends_may_be_of_different_types() -> None:
    assert list(RoutingBackend({"b": Memory(), 1: Memory()}).backends) == [1, "b"]  # type: ignore[dict-item]


def test_a_backend_registered_later_comes_last() -> None:
    journal: list[str] = []
    router = RoutingBackend({"b": Memory(journal, "b")})
    router.register_backend("a", Memory(journal, "a"))
    router.send(event())
    assert journal == ["b", "a"]


def test_what_cannot_send_or_be_called_is_refused() -> None:
    with pytest.raises(ValueError, match='Backend odd does not have a callable "send" method'):
        RoutingBackend({"odd": 5})  # type: ignore[dict-item]  # what settings may hold
    with pytest.raises(ValueError, match="is not callable"):
        RoutingBackend(processors=["odd"])  # type: ignore[list-item]


def test_processors_run_left_to_right_on_each_others_results() -> None:
    memory = Memory()
    processors = [lambda e: {**e, "a": 1}, lambda e: {**e, "b": e["a"] + 1}]
    RoutingBackend({"m": memory}, processors).send(event())
    assert memory.events[0]["b"] == 2


@pytest.mark.parametrize("result", [False, [], 0, "", {}])
def test_anything_but_none_takes_the_events_place(result: object) -> None:
    memory = Memory()
    RoutingBackend({"m": memory}, [lambda _event: result]).send(event())
    assert memory.events == [result]


def test_none_keeps_the_event_with_what_was_changed_in_place() -> None:
    memory = Memory()
    RoutingBackend({"m": memory}, [add_mark]).send(event())
    assert memory.events[0]["data"]["items"] == [1, "mark"]


def test_an_event_that_is_ended_reaches_no_later_processor_and_no_backend() -> None:
    memory = Memory()
    seen: list[Any] = []
    before = catalogue.EMITTED_DROPPED.value("filtered")
    RoutingBackend({"m": memory}, [Raises(EventEmissionExit()), seen.append]).send(event())
    assert (memory.events, seen) == ([], [])
    assert catalogue.EMITTED_DROPPED.value("filtered") == before + 1


def test_an_event_ended_on_one_branch_goes_on_along_the_others() -> None:
    ended, going = Memory(), Memory()
    branches = {
        "a": RoutingBackend({"m": ended}, [Raises(EventEmissionExit())]),
        "b": RoutingBackend({"m": going}),
    }
    RoutingBackend(branches).send(event())
    assert (ended.events, going.events) == ([], [event()])


def test_a_processor_that_fails_is_skipped_and_counted() -> None:
    memory = Memory()
    before = catalogue.TRACKER_PROCESSOR_FAILURES.value("Raises")
    RoutingBackend({"m": memory}, [Raises(OSError()), add_mark]).send(event())
    assert memory.events[0]["data"]["items"] == [1, "mark"]
    assert catalogue.TRACKER_PROCESSOR_FAILURES.value("Raises") == before + 1


def test_a_processor_that_protects_fails_closed() -> None:
    class Protects(Raises):
        fails_closed = True

    protected, other = Memory(), Memory()
    branches = {
        "a": RoutingBackend({"m": protected}, [Protects(OSError())]),
        "b": RoutingBackend({"m": other}),
    }
    before = catalogue.EMITTED_DROPPED.value("processor_failed")
    RoutingBackend(branches).send(event())
    assert (protected.events, other.events) == ([], [event()])
    assert catalogue.EMITTED_DROPPED.value("processor_failed") == before + 1


@pytest.mark.parametrize("error", [OSError(), EventEmissionExit(), KeyError("name")])
def test_a_backend_that_fails_is_counted_and_disturbs_nobody(error: Exception) -> None:
    memory = Memory()
    before = catalogue.TRACKER_BACKEND_FAILURES.value("a")
    RoutingBackend({"a": Raises(error), "b": memory}).send({"no": "name"})
    assert memory.events == [{"no": "name"}]
    assert catalogue.TRACKER_BACKEND_FAILURES.value("a") == before + 1


@pytest.mark.parametrize("reason", [NoTransformerImplemented(), NoBackendEnabled()])
def test_a_backend_that_does_not_want_the_event_has_not_failed(reason: Exception) -> None:
    before = catalogue.TRACKER_BACKEND_FAILURES.value("unwilling")
    RoutingBackend({"unwilling": Raises(reason)}).send(event())
    assert catalogue.TRACKER_BACKEND_FAILURES.value("unwilling") == before


def test_what_a_failure_says_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Its text may quote the event."""
    RoutingBackend({"a": Raises(OSError("hunter2"))}, [Raises(OSError("hunter2"))]).send(event())
    assert [vars(record)["error"] for record in caplog.records] == ["OSError", "OSError"]
    assert all("test_routing.py:" in vars(record)["place"] for record in caplog.records)
    assert "hunter2" not in caplog.text
    assert "hunter2" not in repr([vars(record) for record in caplog.records])


def test_exit_of_the_process_is_not_held_back() -> None:
    class Exits(Memory):
        def send(self, event: Any) -> None:
            raise SystemExit(3)

    with pytest.raises(SystemExit):
        RoutingBackend({"a": Exits()}).send(event())


# Copies.


def test_the_given_event_is_never_changed() -> None:
    given = event()
    RoutingBackend({"m": Memory()}, [add_mark]).send(given)
    assert given == event()


def test_a_processors_changes_stay_on_its_branch() -> None:
    changed, sibling = Memory(), Memory()
    RoutingBackend(
        {"a": RoutingBackend({"m": changed}, [add_mark]), "b": RoutingBackend({"m": sibling})}
    ).send(event())
    assert changed.events[0]["data"]["items"] == [1, "mark"]
    assert sibling.events == [event()]


def test_a_backends_changes_are_its_own() -> None:
    class AddsId:
        def send(self, event: Any) -> None:
            event["_id"] = 1
            event["data"]["items"].clear()

    memory = Memory()
    RoutingBackend({"a": AddsId(), "b": memory}).send(event())
    assert memory.events == [event()]


def test_backends_that_promise_to_leave_it_as_it_is_get_the_event_itself() -> None:
    given, reader = event(), Reader()
    RoutingBackend({"nested": RoutingBackend({"r": reader})}).send(given)
    assert reader.events[0] is given


def test_processors_that_promise_it_cost_no_copy() -> None:
    class Looks:
        mutates = False

        def __call__(self, event: Any) -> Any:
            return event

    given, reader = event(), Reader()
    RoutingBackend({"r": reader}, [Looks()]).send(given)
    assert reader.events[0] is given


def test_the_promise_is_made_by_the_class_that_defines_the_method() -> None:
    class Overrides(Reader):
        def send(self, event: Any) -> None:
            event.clear()

    class PromisesAnew(Overrides):
        mutates = False

    class Inherits(Reader):
        pass

    assert leaves_untouched(Inherits(), "send")
    assert leaves_untouched(PromisesAnew(), "send")
    assert not leaves_untouched(Overrides(), "send")
    assert not leaves_untouched(Memory(), "send")


def test_a_function_can_promise_too() -> None:
    def look(event: Any) -> Any:
        return event

    assert not leaves_untouched(look, "__call__")
    look.mutates = False  # type: ignore[attr-defined]
    assert leaves_untouched(look, "__call__")
