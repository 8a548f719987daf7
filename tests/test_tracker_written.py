"""Events whose data is JSON already: the same for everybody, and read by nobody who need not."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from trackside import tracker as module
from trackside.emitted import EmittedEvent, UnwrittenEvent, WrittenEvent, also_written
from trackside.emitted.identity import event_id
from trackside.routing import RoutingBackend
from trackside.telemetry import catalogue
from trackside.tracker import Tracker, set_on_commit

AT = datetime(2026, 1, 2, tzinfo=UTC)
WRITTEN = WrittenEvent("id", "n", AT, b'{"a":[1,"\xc3\xa9"]}', {"c": 1}, "7", b',"x":{"y":1},"z":true')
EVENT = {
    "name": "n",
    "timestamp": AT,
    "data": {"a": [1, "é"]},
    "context": {"c": 1},
    "user_id": "7",
    "extra": {"x": {"y": 1}, "z": True},
}


class Later:
    """Is written when somebody wants to read it."""

    size_bytes = 100

    def written(self) -> WrittenEvent:
        """Return the event."""
        return WRITTEN


LATER = Later()


class Whole:
    """Keeps events, and under which id each was sent."""

    mutates = False

    def __init__(self) -> None:
        self.kept: list[tuple[str | None, EmittedEvent]] = []

    def send(self, event: EmittedEvent) -> None:
        """Keep `event`."""
        self.kept.append((event_id(), event))


class Written(Whole):
    """Takes what is written, unless it is unusual."""

    mutates = False

    def __init__(self) -> None:
        super().__init__()
        self.written: list[WrittenEvent | UnwrittenEvent] = []
        self.unusual = False

    @also_written
    def send(self, event: EmittedEvent) -> None:
        """Keep `event`."""
        super().send(event)

    def send_written(self, event: WrittenEvent | UnwrittenEvent) -> bool:
        """Keep it as it is."""
        if not self.unusual:
            self.written.append(event)
        return not self.unusual


class Overriding(Written):
    """Promises nothing anew."""

    mutates = False

    def send(self, event: EmittedEvent) -> None:
        """Keep `event`."""
        Whole.send(self, event)


class Broken(Written):
    """Fails."""

    mutates = False

    def send_written(self, event: WrittenEvent | UnwrittenEvent) -> bool:
        """Raise."""
        raise OSError


BOTH = pytest.mark.parametrize("given", [WRITTEN, LATER], ids=["written", "unwritten"])


@pytest.fixture(autouse=True)
def _no_handler() -> Iterator[None]:
    yield
    set_on_commit(None)


@BOTH
def test_each_backend_gets_what_it_takes(given: WrittenEvent | UnwrittenEvent) -> None:
    """One the event as it is written, others the event, under its id; each is counted once."""
    written, whole, overriding = Written(), Whole(), Overriding()
    before = catalogue.EMITTED.value()
    Tracker({"a": written, "b": whole, "c": overriding}).emit_written(given)
    assert (written.written, written.kept) == ([given], [])
    assert whole.kept == overriding.kept == [("id", EVENT)]
    assert catalogue.EMITTED.value() == before + 1


@BOTH
def test_what_is_unusual_comes_as_a_whole(given: WrittenEvent | UnwrittenEvent) -> None:
    """And only once."""
    backend = Written()
    backend.unusual = True
    Tracker({"a": backend}).emit_written(given)
    assert (backend.written, backend.kept) == ([], [("id", EVENT)])


def test_a_backend_that_fails_disturbs_nobody() -> None:
    """It is counted, and the event is not sent to it a second time."""
    broken, other = Broken(), Written()
    before = catalogue.TRACKER_BACKEND_FAILURES.value("a")
    Tracker({"a": broken, "b": other}).emit_written(WRITTEN)
    assert broken.kept == []
    assert other.written == [WRITTEN]
    assert catalogue.TRACKER_BACKEND_FAILURES.value("a") == before + 1


@BOTH
def test_processors_see_the_event(given: WrittenEvent | UnwrittenEvent) -> None:
    """What they make of it is what backends get."""
    backend = Written()

    def rename(event: EmittedEvent) -> EmittedEvent:
        assert event == EVENT
        assert event_id() == "id"
        return {**event, "name": "other"}

    Tracker({"a": backend}, processors=[rename]).emit_written(given)
    assert (backend.written, backend.kept) == ([], [("id", {**EVENT, "name": "other"})])


@BOTH
def test_a_router_of_another_class_gets_the_event(given: WrittenEvent | UnwrittenEvent) -> None:
    """It may override `send`."""

    class Router(RoutingBackend):
        def send(self, event: Any) -> None:
            got.append((event_id(), event))

    got: list[Any] = []
    tracker = Tracker()
    tracker.routing_backend = Router()
    tracker.emit_written(given)
    assert got == [("id", EVENT)]


@BOTH
def test_who_decides_about_a_transaction(given: WrittenEvent | UnwrittenEvent) -> None:
    """Whoever takes it as it is written; else whoever takes events."""
    backend, taken = Written(), list[Any]()
    tracker = Tracker({"a": backend})

    def take(_: Tracker, event: object) -> bool:
        taken.append((event_id(), event))
        return True

    set_on_commit(take)
    tracker.emit_written(given, on_commit=True)
    set_on_commit(lambda _, event: pytest.fail(str(event)), take)
    tracker.emit_written(given, on_commit=True)
    assert taken == [("id", EVENT), (None, given)]
    assert backend.written == []
    set_on_commit(lambda *_: False, lambda *_: False)
    tracker.emit_written(given, on_commit=True)
    tracker.emit_written(given)
    assert backend.written == [given, given]


@pytest.mark.parametrize("written", [True, False])
def test_one_that_could_not_join_the_transaction_is_dropped(*, written: bool) -> None:
    """Sent now, it might tell of something that is then rolled back."""
    backend = Written()

    def broken(*_: object) -> bool:
        raise OSError

    set_on_commit(broken, broken if written else None)
    before = catalogue.EMITTED_DROPPED.value("on_commit_failed")
    Tracker({"a": backend}).emit_written(WRITTEN, on_commit=True)
    assert (backend.written, backend.kept) == ([], [])
    assert catalogue.EMITTED_DROPPED.value("on_commit_failed") == before + 1


def test_nothing_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of ours is counted."""
    tracker = Tracker()
    monkeypatch.setattr(tracker, "routing_backend", None)
    before = catalogue.EMITTED_DROPPED.value("tracker_failed")
    tracker.emit_written(WRITTEN)
    assert catalogue.EMITTED_DROPPED.value("tracker_failed") == before + 1
    assert module._on_commit_written is None
