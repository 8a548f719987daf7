"""One signal, one event: with the signal's id, time and metadata, and nothing that reaches its sender."""

import logging
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import attrs
import pytest
from django.db import transaction

from tests.openedx.signals.tools import ID, MOMENT, NAME, Metadata
from trackside.django.settings.signals import SignalSettings
from trackside.emitted import EmittedEvent
from trackside.emitted.identity import event_id
from trackside.openedx.signals import receiver as module
from trackside.openedx.signals.receiver import SignalReceiver
from trackside.telemetry import catalogue
from trackside.tracker import Tracker


@attrs.frozen
class User:
    """Somebody."""

    id: int
    username: str = "zoe"


@attrs.frozen
class Enrollment:
    """Of somebody, in a course."""

    user: User
    course_key: str = "course-v1:edX+D+1"


class Kept:
    """Keeps what it is sent, and under which id."""

    mutates = False

    def __init__(self) -> None:
        self.events: list[EmittedEvent] = []
        self.ids: list[str | None] = []

    def send(self, event: EmittedEvent) -> None:
        """Keep it."""
        self.events.append(event)
        self.ids.append(event_id())


@pytest.fixture
def kept() -> Kept:
    """What the tracker's backend was sent."""
    return Kept()


@pytest.fixture
def tracker(kept: Kept) -> Iterator[Tracker]:
    """A tracker, in a request of somebody with a service's account."""
    tracker = Tracker(backends={"kept": kept})
    with tracker.context("edx.request", {"user_id": 99, "username": "crm_service", "ip": "192.0.2.1"}):
        yield tracker


def receive(tracker: Tracker, metadata: object = None, **said: Any) -> None:
    """Let a receiver with these settings, or the bus's mark, take a signal."""
    bus = said.pop("bus", False)
    receiver = SignalReceiver(SignalSettings(**{"on_commit": "off", **said}), tracker)
    receiver.receive(object(), metadata or Metadata(), {"enrollment": Enrollment(User(4))}, bus=bus)


def test_the_event(tracker: Tracker, kept: Kept) -> None:
    """Name, time and id are the signal's; the context is the request's, with the signal's course."""
    receive(tracker)
    assert kept.ids == [str(ID)]
    assert kept.events == [
        {
            "name": NAME,
            "timestamp": MOMENT,
            "data": {"enrollment": {"user": {"id": 4, "username": "zoe"}, "course_key": "course-v1:edX+D+1"}},
            "context": {
                "user_id": 99,
                "username": "crm_service",
                "ip": "192.0.2.1",
                "course_id": "course-v1:edX+D+1",
                "org_id": "edX",
            },
            "user_id": "4",
            "extra": {
                "event_metadata": {
                    "event_type": NAME,
                    "id": str(ID),
                    "minorversion": 0,
                    "source": "openedx/lms/web",
                    "sourcehost": "lms",
                    "time": MOMENT.isoformat(),
                    "sourcelib": [11, 2, 0],
                }
            },
        }
    ]


def test_ids_only(tracker: Tracker, kept: Kept) -> None:
    """Whoever did it and whom it is about are ids."""
    receive(tracker, personal_data="ids_only")
    (event,) = kept.events
    assert event["data"]["enrollment"]["user"] == {"id": 4, "username": None}
    assert event["user_id"] == "4"
    assert event["context"] == {"user_id": 99, "course_id": "course-v1:edX+D+1", "org_id": "edX"}


def test_nothing_of_people(tracker: Tracker, kept: Kept) -> None:
    """With `none` the event is nobody's."""
    receive(tracker, personal_data="none")
    (event,) = kept.events
    assert event["user_id"] is None
    assert event["context"] == {"course_id": "course-v1:edX+D+1", "org_id": "edX"}


@pytest.mark.parametrize(
    ("said", "reason"),
    [({"bus": True}, "from_event_bus"), ({"ignore_actors": ("crm_*",)}, "actor")],
)
def test_loops_are_cut(tracker: Tracker, kept: Kept, said: dict[str, Any], reason: str) -> None:
    """What came over the bus, and what a receiving system's own account did, is counted and no event."""
    before = catalogue.SIGNALS_IGNORED.values().get((reason,), 0)
    receive(tracker, **said)
    assert kept.events == []
    assert catalogue.SIGNALS_IGNORED.values()[(reason,)] == before + 1


def test_other_actors(tracker: Tracker, kept: Kept) -> None:
    """Others' signals go on."""
    receive(tracker, ignore_actors=("lti_*",))
    assert len(kept.events) == 1


def test_marked_where_the_bus_is_wanted(tracker: Tracker, kept: Kept) -> None:
    """Receivers can tell it."""
    receive(tracker, bus=True, from_event_bus=True)
    assert kept.events[0]["extra"]["from_event_bus"] is True


def test_nothing_is_raised_and_nothing_of_it_logged(
    tracker: Tracker, kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    """A fault of ours is counted and told by its kind alone."""
    tracker.emit_written = None  # type: ignore[method-assign,assignment]
    before = catalogue.EMITTED_DROPPED.values().get(("signal_failed",), 0)
    with caplog.at_level(logging.DEBUG):
        receive(tracker)
    assert catalogue.EMITTED_DROPPED.values()[("signal_failed",)] == before + 1
    assert "zoe" not in caplog.text
    assert [record.message for record in caplog.records] == ["A signal could not become an event"]


def test_without_metadata(tracker: Tracker, kept: Kept) -> None:
    """A signal that somebody sent by Django's own `send` has an id and a time of now."""
    receiver = SignalReceiver(SignalSettings(on_commit="off"), tracker)
    signal = type("Signal", (), {"event_type": "a.b.v1"})()
    receiver.receive(signal, None, {"thing": 1})
    (event,) = kept.events
    assert (event["name"], event["data"]) == ("a.b.v1", {"thing": 1})
    assert UUID(kept.ids[0] or "").version == 4


def test_metadata_without_values(tracker: Tracker, kept: Kept) -> None:
    """Each such signal is one of its own, of now."""
    for _ in range(2):
        receive(tracker, Metadata(id=None, time=None, sourcelib=None))
    assert len({UUID(id_ or "") for id_ in kept.ids}) == 2
    assert all(event["timestamp"].tzinfo is not None for event in kept.events)
    said = kept.events[0]["extra"]["event_metadata"]
    assert (said["id"], said["time"], said["sourcelib"]) == (None, None, None)


def test_a_context_that_changes_before_the_commit(
    tracker: Tracker, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Is kept as it was when the signal was sent."""
    later: list[Any] = []
    monkeypatch.setattr(
        module,
        "connections",
        {"default": SimpleNamespace(alias="default", in_atomic_block=True, run_on_commit=later)},
    )
    monkeypatch.setattr(transaction, "on_commit", lambda act, **_: later.append(act))
    receiver, tags = SignalReceiver(SignalSettings(on_commit="memory"), tracker), {"a": [1]}
    with tracker.context("tags", {"course_user_tags": tags}):
        for _ in range(2):
            receiver.receive(object(), Metadata(), {"enrollment": Enrollment(User(4))})
    assert kept.events == []
    tags["a"].append(2)
    for act in later:
        act()
    assert [event["context"]["course_user_tags"] for event in kept.events] == [{"a": [1]}, {"a": [1]}]


@pytest.mark.parametrize(
    ("names", "ignore", "wanted"),
    [
        (("*",), (), True),
        (("org.openedx.learning.*",), (), True),
        (("org.openedx.content_authoring.*",), (), False),
        (("*",), ("*.enrollment.*",), False),
        ((), (), False),
    ],
)
def test_which_are_wanted(
    tracker: Tracker, names: tuple[str, ...], ignore: tuple[str, ...], wanted: bool
) -> None:
    """`ignore` is above `names`."""
    assert SignalReceiver(SignalSettings(names=names, ignore=ignore), tracker).wants(NAME) is wanted
