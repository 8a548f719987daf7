"""Signals in one step: the same events as by the long way, or none."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.openedx.signals.tools import ID, MOMENT, NAME, Metadata
from trackside.django.settings.signals import SignalSettings
from trackside.emitted import WrittenEvent
from trackside.openedx.plain import PlainMaker
from trackside.openedx.signals.receiver import SignalReceiver
from trackside.openedx.signals.subject import course_of, user_of
from trackside.openedx.signals.writing import SignalWriter, WrittenSignal
from trackside.processors.personal import Mode
from trackside.tracker import Tracker

COURSE = {"course_id": "course-v1:edX+D+1", "org_id": "edX"}


class Colour(Enum):
    """Told by its value where that can be told."""

    RED = "red"
    ODD = (1, 2)


class Key:
    """As opaque_keys have it."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        """Return the text of the key."""
        return self.text


Key.__module__, Key.__name__ = "opaque_keys", "OpaqueKey"


@attrs.frozen
class UserPersonalData:
    """Of whom it is."""

    username: str
    email: str = "u@example.org"
    name: str = "Zoë"


@attrs.frozen
class UserData:
    """A user, as openedx-events has one."""

    id: Any
    pii: Any
    is_active: bool = True


@attrs.frozen
class Data:
    """Of anything."""

    user: Any = None
    course_key: Any = None
    more: Any = None


@dataclass
class Changing:
    """A class of the platform's own."""

    number: Any
    more: Any = None


ZOE = UserData(4, UserPersonalData("zoe"))


def told(maker: PlainMaker, data: dict[str, Any]) -> tuple[Any, ...]:
    """Return the arguments, the user and the course by the long way."""
    plain = maker.plain(dict(data))
    return plain, user_of(plain), course_of(plain)


def twice(
    maker: PlainMaker, data: dict[str, Any], metadata: Any = None, writer: SignalWriter | None = None
) -> WrittenSignal | None:
    """Return what the second of two same signals becomes."""
    writer, metadata = writer or SignalWriter(maker), metadata or Metadata()
    writer.write(metadata, data)
    return writer.write(metadata, data)


def test_what_is_written() -> None:
    """The id, the arguments and the metadata as their own JSON, whom and which course it is about."""
    data = {"enrollment": Data(ZOE, Key("course-v1:edX+D+1"), datetime(2026, 1, 2, tzinfo=UTC))}
    writer = SignalWriter(PlainMaker())
    assert writer.write(Metadata(), data) is None
    written = (
        b'{"enrollment":{"user":{"id":4,"pii":{"username":"zoe","email":"u@example.org","name":"Zo\xc3\xab"},'
        b'"is_active":true},"course_key":"course-v1:edX+D+1","more":"2026-01-02T00:00:00+00:00"}}'
    )
    said = (
        b'{"event_type":"org.openedx.learning.course.enrollment.created.v1",'
        b'"id":"00000000-0000-0000-0000-000000000007","minorversion":0,"source":"openedx/lms/web",'
        b'"sourcehost":"lms","time":"2026-01-02T03:04:05.000006+00:00","sourcelib":[11,2,0]}'
    )
    assert writer.write(Metadata(), data) == (str(ID), written, said, "4", COURSE)


@pytest.mark.parametrize(
    "data",
    [
        {"user": ZOE},
        {"user": UserData(None, None), "grade": Data(ZOE)},
        {"grade": Data(UserData(True, None))},
        {"grade": Data(UserData("", None), "edX/D/1")},
        {"first": Data(None, ""), "second": Data(ZOE, "block-v1:edX+D+1+type@problem+block@p")},
        {"score": Data(ZOE, "no course")},
        {"plain": 3, "text": "T12:34:56Z", "key": Key("a")},
        {"naive": Changing(datetime(2026, 1, 2), datetime.max)},  # noqa: DTZ001, DTZ901  # what is tested
        {"other": Data(more=datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=2))))},
        {"same": Data(more=datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta())))},
        {"percent": Data("%b", "100 %")},
        {"changing": Changing(Changing(1.5), float("nan"))},
        {"enum": Data(Colour.RED, UUID(int=9), b"\xff")},
        {"odd": Data(Colour.ODD, object(), type("Text", (str,), {})("a"))},
        {"nothing": Data()},
        {},
    ],
)
def test_it_is_the_same_as_by_the_long_way(data: dict[str, Any]) -> None:
    """Where it is written in one step at all."""
    maker = PlainMaker()
    written = twice(maker, data)
    assert written is not None
    plain, user_id, course = told(maker, data)
    assert json.dumps(json.loads(written[1])) == json.dumps(plain)
    assert written[3:] == (user_id, course)


@pytest.mark.parametrize(
    "value",
    [
        [1],
        {"a": 1},
        2**300,
        "\ud800",
        "x" * 20_000,
        UserData(MOMENT, None),
    ],
)
def test_what_is_for_the_long_way(value: object) -> None:
    """What can change, is cut, or has no JSON of its own, at the second time too."""
    assert twice(PlainMaker(), {"it": Data(value)}) is None


@pytest.mark.parametrize(
    "metadata",
    [
        Metadata(source=None),
        Metadata(time=datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=2)))),
        Metadata(sourcelib=[1]),  # type: ignore[arg-type]
        SimpleNamespace(event_type=NAME),
        None,
    ],
)
def test_other_metadata(metadata: Any) -> None:
    """Is for the long way."""
    writer = SignalWriter(PlainMaker())
    assert writer.write(Metadata(), {"a": 1}) is None
    assert writer.write(Metadata(), {"a": 1}) is not None
    assert writer.write(metadata, {"a": 1}) is None


@pytest.mark.parametrize(
    "data", [{"100 %": 1}, {"a": Data(user=1), "a.user": 2}, {"__class__": 1}, {"a b": Data()}]
)
def test_names_that_are_no_paths(data: dict[str, Any]) -> None:
    """Are for the long way, and never taken for others."""
    assert twice(PlainMaker(), data) is None


def test_layouts_of_a_type() -> None:
    """Objects may be of other classes each time, or be missing; each is met once."""
    maker = PlainMaker()
    writer = SignalWriter(maker)
    several = [Data(ZOE), Data(None), Data(Data(ZOE)), Data(Changing(ZOE)), Data("text"), Data(more=ZOE)]
    for _ in range(3):
        written = [writer.write(Metadata(), {"it": each}) for each in several]
    for each, found in zip(several, written, strict=True):
        assert found is not None
        assert json.loads(found[1]) == told(maker, {"it": each})[0]


def test_a_type_that_is_always_different() -> None:
    """Costs a bounded number of lessons and then goes the long way."""
    writer = SignalWriter(PlainMaker())
    for number in range(100):
        kind = attrs.make_class(f"Data{number}", ["a"], frozen=True)
        writer.write(Metadata(), {"it": kind(1)})
    assert len(writer._layouts[NAME]) == 8


@pytest.mark.parametrize("mode", ["ids_only", "none"])
def test_people(mode: Mode) -> None:
    """What may not be said is not said."""
    maker = PlainMaker(mode=mode)
    data = {"user": ZOE, "grade": Data(ZOE, "course-v1:edX+D+1")}
    written = twice(maker, data)
    assert written is not None
    assert json.loads(written[1]) == told(maker, data)[0]
    assert b"zoe" not in written[1]


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.datetimes(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | inner.map(Changing),
    max_leaves=40,
)
_members = st.recursive(
    _values
    | st.uuids()
    | st.dates()
    | st.just("é\ud800")
    | st.integers(2**60, 2**300)
    | st.datetimes(timezones=st.timezones())
    | st.builds(Key, st.text()),
    lambda inner: st.builds(Data, inner, inner, inner) | st.builds(Changing, inner),
    max_leaves=6,
)


@example(Data(2**256 + 1), 60_000, 20, "full")
@example(Data(-(2**300), Data(2**256)), 60_000, 20, "full")
@given(
    st.builds(Data, _members, _members, _members),
    st.sampled_from([200, 2_000, 60_000]),
    st.sampled_from([1, 2, 4, 20]),
    st.sampled_from(["full", "ids_only", "none"]),
)
def test_whatever_is_written_is_the_same(value: Data, max_bytes: int, depth: int, mode: Mode) -> None:
    """Cut in the same places, in the same order, about the same user and course."""
    maker = PlainMaker(mode=mode, max_bytes=max_bytes, depth=depth)
    written = twice(maker, {"it": value})
    if written is not None:
        plain, user_id, course = told(maker, {"it": value})
        assert json.dumps(json.loads(written[1])) == json.dumps(plain)
        assert written[3:] == (user_id, course)


class Kept:
    """Keeps what it is sent."""

    mutates = False

    def __init__(self) -> None:
        self.events: list[Any] = []

    def send(self, event: Any) -> None:
        """Keep it."""
        self.events.append(event)


@pytest.mark.parametrize("mode", ["full", "ids_only", "none"])
def test_the_events_of_both_ways(mode: Mode) -> None:
    """The first signal of a type goes the long way, the second is written in one step; nobody sees which."""
    kept = Kept()
    tracker = Tracker(backends={"kept": kept})
    receiver = SignalReceiver(SignalSettings(on_commit="off", personal_data=mode), tracker)
    data = {"enrollment": Data(ZOE, "course-v1:edX+D+1", MOMENT)}
    with tracker.context("edx.request", {"user_id": 99, "course_id": "", "received_at": MOMENT}):
        for _ in range(2):
            receiver.receive(object(), Metadata(), data)
    first, second = kept.events
    assert first == second
    assert first["user_id"] == (None if mode == "none" else "4")
    assert first["context"]["course_id"] == "course-v1:edX+D+1"


def test_no_data_of_one_signal_is_in_another() -> None:
    """What a receiver does to its event stays there."""
    event = WrittenEvent("i", "n", MOMENT, b'{"a":1}', {"b": 2}, None, b"")
    event.event()["context"]["b"] = 3
    assert event.event()["context"] == {"b": 2}
    assert event.event()["extra"] == {}
