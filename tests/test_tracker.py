"""The tracker: what an event is made of, and that nothing gets from it into the application."""

import copy
import pickle
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from trackside import tracker as module
from trackside.backends.logger import LoggerBackend
from trackside.emitted import EmittedEvent, commit_waiters
from trackside.locator import DefaultContextLocator
from trackside.telemetry import catalogue
from trackside.tracker import Tracker, emit, get_tracker, register_tracker, set_on_commit


class Memory:
    """Keeps what it is sent."""

    def __init__(self) -> None:
        self.events: list[EmittedEvent] = []

    def send(self, event: EmittedEvent) -> None:
        """Keep `event`."""
        self.events.append(event)


class Commit:
    """Becomes durable, or not, when it is waited for."""

    def __init__(self, durable: bool) -> None:
        self.durable = durable
        self.waited_s: list[float] = []

    def wait(self, timeout_s: float) -> bool:
        """Return at once."""
        self.waited_s.append(timeout_s)
        return self.durable


class LogLike:
    """Begins to make every event durable."""

    def __init__(self, commit: Commit) -> None:
        self.commit = commit

    def send(self, event: EmittedEvent) -> None:
        """Let whoever waits wait for the commit."""
        waiters = commit_waiters()
        if waiters is not None:
            waiters.append(self.commit)


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def tracker(memory: Memory) -> Tracker:
    return Tracker(backends={"memory": memory})


@pytest.fixture(autouse=True)
def _unregistered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(module, "TRACKERS", {})
    yield
    set_on_commit(None)


def dropped(reason: str) -> float:
    return catalogue.EMITTED_DROPPED.value(reason)


def test_an_event_has_exactly_four_fields_in_their_order(tracker: Tracker, memory: Memory) -> None:
    before = datetime.now(UTC)
    assert tracker.emit("edx.done", {"a": 1}) is None
    (event,) = memory.events
    assert list(event) == ["name", "timestamp", "data", "context"]
    assert event["name"] == "edx.done"
    assert event["data"] == {"a": 1}
    assert event["context"] == {}
    assert before <= event["timestamp"] <= datetime.now(UTC)


@pytest.mark.parametrize("nothing", [None, "", 0, [], {}, False])
def test_a_name_or_data_without_content_has_a_stand_in(
    tracker: Tracker, memory: Memory, nothing: object
) -> None:
    tracker.emit(nothing, nothing)
    assert memory.events[0]["name"] == "unknown"
    assert memory.events[0]["data"] == {}


@pytest.mark.parametrize("data", ["text", [1], ("a",), 5])
def test_any_other_data_is_kept_as_it_is(tracker: Tracker, memory: Memory, data: object) -> None:
    tracker.emit("n", data)
    assert memory.events[0]["data"] == data


def test_contexts_are_merged_later_over_earlier_and_nested_ones_replaced(
    tracker: Tracker, memory: Memory
) -> None:
    with (
        tracker.context("outer", {"user_id": 1, "client": {"ip": "x", "os": "y"}}),
        tracker.context("inner", {"user_id": 2, "client": {"ip": "z"}}),
    ):
        tracker.emit("n")
    assert memory.events[0]["context"] == {"user_id": 2, "client": {"ip": "z"}}
    assert tracker.resolve_context() == {}


def test_a_context_is_kept_by_reference(tracker: Tracker) -> None:
    context = {"user_id": 1}
    tracker.enter_context("request", context)
    context["user_id"] = 2
    assert tracker.resolve_context() == {"user_id": 2}


def test_a_context_entered_again_keeps_its_place(tracker: Tracker) -> None:
    tracker.enter_context("first", {"a": 1})
    tracker.enter_context("second", {"a": 2})
    tracker.enter_context("first", {"a": 3})
    assert tracker.resolve_context() == {"a": 2}
    assert list(tracker.located_context) == ["first", "second"]


def test_leaving_a_context_that_was_not_entered_is_a_key_error(tracker: Tracker) -> None:
    with pytest.raises(KeyError):
        tracker.exit_context("none")


def test_a_nested_context_of_the_same_name_gives_the_outer_one_back(tracker: Tracker) -> None:
    with tracker.context("request", {"user_id": 1, "page": "a"}):
        with tracker.context("request", {"user_id": 2}):
            assert tracker.resolve_context() == {"user_id": 2}
        assert tracker.resolve_context() == {"user_id": 1, "page": "a"}
    assert tracker.resolve_context() == {}


def test_a_context_that_was_left_inside_its_block_is_no_error(tracker: Tracker) -> None:
    with tracker.context("request", {"user_id": 1}):
        tracker.exit_context("request")
    assert tracker.resolve_context() == {}


def test_a_block_that_another_thread_ends_changes_nothing_there(tracker: Tracker) -> None:
    """A generator that is thrown away ends where the garbage collector runs."""
    seen: list[dict[str, Any]] = []
    with tracker.context("request", {"user_id": 1}):
        block = tracker.context("request", {"user_id": 2})
        block.__enter__()

    def other() -> None:
        with tracker.context("request", {"user_id": 3}):
            block.__exit__(None, None, None)
            seen.append(tracker.resolve_context())
        seen.append(tracker.resolve_context())

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert seen == [{"user_id": 3}, {}]


def test_where_all_threads_share_contexts_any_of_them_ends_a_block() -> None:
    tracker = Tracker(context_locator=DefaultContextLocator())
    block = tracker.context("import", {"file": "a"})
    block.__enter__()
    thread = threading.Thread(target=block.__exit__, args=(None, None, None))
    thread.start()
    thread.join()
    assert tracker.resolve_context() == {}


def test_a_tracker_can_be_copied_and_pickled() -> None:
    tracker = Tracker({"log": LoggerBackend("test.copied")})
    with tracker.context("request", {"user_id": 1}):
        assert copy.deepcopy(tracker).resolve_context() == {"user_id": 1}
        other = pickle.loads(pickle.dumps(tracker))
        assert other.resolve_context() == {}
    assert list(other.backends) == ["log"]


def test_a_context_ends_also_where_its_block_raises(tracker: Tracker) -> None:
    with pytest.raises(ZeroDivisionError), tracker.context("request", {"user_id": 1}):
        raise ZeroDivisionError
    assert tracker.resolve_context() == {}


@pytest.mark.parametrize("context", [None, 5, "ab", [1]])
def test_a_context_that_is_no_mapping_is_left_out(tracker: Tracker, memory: Memory, context: Any) -> None:
    tracker.enter_context("broken", context)
    tracker.enter_context("fine", {"user_id": 1})
    tracker.emit("n")
    assert memory.events[0]["context"] == {"user_id": 1}


class Ambiguous:
    """Like an array of numbers: refuses to say whether it is empty."""

    def __bool__(self) -> bool:
        raise ValueError("the truth value of this is ambiguous")


def test_data_without_a_truth_value_is_emitted_as_it_is(tracker: Tracker, memory: Memory) -> None:
    data = Ambiguous()
    tracker.emit("n", data)
    assert memory.events[0]["name"] == "n"
    assert isinstance(memory.events[0]["data"], Ambiguous)


def test_backends_do_not_share_data_with_the_application(tracker: Tracker, memory: Memory) -> None:
    data = {"items": [1]}
    tracker.emit("n", data)
    data["items"].append(2)
    assert memory.events[0]["data"] == {"items": [1]}


@pytest.mark.parametrize("uncopyable", [lambda: (n for n in range(3)), threading.Lock])
def test_data_that_cannot_be_copied_is_no_reason_to_raise(
    tracker: Tracker, memory: Memory, uncopyable: Callable[[], object]
) -> None:
    tracker.emit("n", {"odd": uncopyable(), "even": [1]})
    assert memory.events[0]["data"]["even"] == [1]


def test_data_that_contains_itself_is_no_reason_to_raise(tracker: Tracker, memory: Memory) -> None:
    data: dict[str, Any] = {"a": 1}
    data["self"] = data
    tracker.emit("n", data)
    assert memory.events[0]["data"]["a"] == 1


def test_a_locator_that_fails_costs_the_context_and_not_the_event(memory: Memory) -> None:
    class Broken:
        def get(self) -> Any:
            raise OSError

    Tracker({"memory": memory}, context_locator=Broken()).emit("n")
    assert memory.events[0]["context"] == {}


def test_exit_of_the_process_is_not_held_back() -> None:
    class Exits:
        def send(self, event: object) -> None:
            raise SystemExit(3)

    with pytest.raises(SystemExit):
        Tracker({"exits": Exits()}).emit("n")


def test_names_and_keys_may_be_any_object(tracker: Tracker, memory: Memory) -> None:
    name, key = object(), object()
    tracker.emit(name, {key: 1})
    assert memory.events[0]["name"] is name or memory.events[0]["data"] == {key: 1}


def test_parts_can_be_reached(tracker: Tracker, memory: Memory) -> None:
    assert tracker.get_backend("memory") is memory
    assert list(tracker.backends) == ["memory"]
    assert tracker.processors == []
    with pytest.raises(KeyError):
        tracker.get_backend("none")


def test_a_given_locator_is_used(memory: Memory) -> None:
    locator = DefaultContextLocator()
    tracker = Tracker({"memory": memory}, locator)
    tracker.enter_context("n", {"a": 1})
    assert locator.get() == {"n": {"a": 1}}


def test_sixteen_threads_lose_nothing_and_mix_nothing_up(tracker: Tracker, memory: Memory) -> None:
    def request(user: int) -> None:
        for number in range(100):
            with tracker.context("request", {"user_id": user, "number": number}):
                tracker.emit("n", {"user_id": user, "number": number})

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(request, range(16)))
    assert all(event["context"] == event["data"] for event in memory.events)
    seen = {(event["data"]["user_id"], event["data"]["number"]) for event in memory.events}
    assert len(seen) == len(memory.events) == 1_600


# Registering.


def test_emit_uses_the_tracker_registered_as_default(tracker: Tracker, memory: Memory) -> None:
    register_tracker(tracker)
    emit("n", {"a": 1})
    assert memory.events[0]["data"] == {"a": 1}
    assert get_tracker() is tracker


def test_trackers_have_names(tracker: Tracker) -> None:
    register_tracker(tracker, "other")
    assert get_tracker("other") is tracker
    with pytest.raises(KeyError):
        get_tracker()


def test_without_a_tracker_emit_counts_and_does_not_raise() -> None:
    before = dropped("no_tracker")
    assert emit("n") is None
    assert emit("n", durable=True) is False
    assert dropped("no_tracker") == before + 2


# Promises.


def test_durable_waits_for_every_backend_that_keeps_events(memory: Memory) -> None:
    first, second = Commit(True), Commit(True)
    tracker = Tracker({"a": LogLike(first), "b": LogLike(second), "c": memory}, durable_timeout_s=2.0)
    assert tracker.emit("n", durable=True) is True
    assert all(0 < waited <= 2.0 for commit in (first, second) for waited in commit.waited_s)
    assert len(memory.events) == 1


def test_durable_is_false_where_one_backend_did_not_make_it() -> None:
    tracker = Tracker({"a": LogLike(Commit(True)), "b": LogLike(Commit(False))})
    assert tracker.emit("n", durable=True) is False


def test_durable_is_false_where_no_backend_keeps_events(tracker: Tracker, memory: Memory) -> None:
    assert tracker.emit("n", durable=True) is False
    assert len(memory.events) == 1


def test_without_durable_nobody_waits() -> None:
    commit = Commit(True)
    assert Tracker({"a": LogLike(commit)}).emit("n") is None
    assert commit.waited_s == []


def test_a_waiter_that_fails_is_not_durable() -> None:
    class Broken(Commit):
        def wait(self, timeout_s: float) -> bool:
            raise OSError

    assert Tracker({"a": LogLike(Broken(True))}).emit("n", durable=True) is False


def test_on_commit_hands_the_finished_event_over(tracker: Tracker, memory: Memory) -> None:
    taken: list[tuple[Tracker, EmittedEvent]] = []

    def take(by: Tracker, event: EmittedEvent) -> bool:
        taken.append((by, event))
        return True

    set_on_commit(take)
    with tracker.context("request", {"user_id": 1}):
        assert tracker.emit("n", {"a": 1}, on_commit=True) is None
        assert tracker.emit("n", {"a": 1}, on_commit=True, durable=True) is True
    assert memory.events == []
    ((by, event), _) = taken
    assert by is tracker
    assert event["context"] == {"user_id": 1}


@pytest.mark.parametrize("handler", [None, lambda tracker, event: False])
def test_on_commit_outside_a_transaction_sends_at_once(
    tracker: Tracker, memory: Memory, handler: Any
) -> None:
    set_on_commit(handler)
    assert tracker.emit("n", on_commit=True) is None
    assert len(memory.events) == 1


def test_an_event_that_could_not_join_the_transaction_is_dropped_and_counted(
    tracker: Tracker, memory: Memory
) -> None:
    """Sent now, it might tell of something that is then rolled back."""

    def broken(tracker: Tracker, event: EmittedEvent) -> bool:
        raise OSError

    set_on_commit(broken)
    before = dropped("on_commit_failed")
    assert tracker.emit("n", on_commit=True, durable=True) is False
    assert memory.events == []
    assert dropped("on_commit_failed") == before + 1


def test_an_event_that_is_made_already(tracker: Tracker, memory: Memory) -> None:
    """It has its own time and context, and what more it says, whatever the caller's contexts are."""
    event: EmittedEvent = {
        "name": "a",
        "timestamp": datetime(2026, 1, 2, tzinfo=UTC),
        "data": {},
        "context": {"own": 1},
        "user_id": "7",
        "extra": {"b": 2},
    }
    with tracker.context("around", {"not": "this"}):
        assert tracker.emit_event(event) is None
    assert memory.events == [event]


def test_an_event_made_already_can_be_waited_for(tracker: Tracker) -> None:
    """False where no backend keeps it."""
    event: EmittedEvent = {"name": "a", "timestamp": datetime.now(UTC), "data": {}, "context": {}}
    assert tracker.emit_event(event, durable=True) is False
