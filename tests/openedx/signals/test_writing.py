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
from trackside.emitted import UnwrittenEvent, WrittenEvent, encode_json
from trackside.openedx.plain import PlainMaker
from trackside.openedx.signals.receiver import SignalReceiver
from trackside.openedx.signals.subject import course_of, user_of
from trackside.openedx.signals.writing import SignalWriter, UnwrittenSignal
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


def second(
    maker: PlainMaker,
    data: dict[str, Any],
    metadata: Any = None,
    context: dict[str, Any] | None = None,
    *,
    writer: SignalWriter | None = None,
) -> WrittenEvent | UnwrittenEvent | None:
    """Return what the second of two same signals becomes."""
    writer, metadata = writer or SignalWriter(maker), metadata or Metadata()
    writer.event(metadata, data, {})
    return writer.event(metadata, data, context or {})


def twice(maker: PlainMaker, data: dict[str, Any]) -> WrittenEvent | None:
    """Return what the second of two same signals becomes, written."""
    found = second(maker, data)
    return None if found is None else found.written()


def course_in(event: WrittenEvent) -> dict[str, str]:
    """Return the course that an event is about."""
    return {name: event.context[name] for name in COURSE if name in event.context}


def test_what_is_written() -> None:
    """The id, the arguments and the metadata as their own JSON, whom and which course it is about."""
    data = {"enrollment": Data(ZOE, Key("course-v1:edX+D+1"), datetime(2026, 1, 2, tzinfo=UTC))}
    writer = SignalWriter(PlainMaker())
    assert writer.event(Metadata(), data, {}) is None
    told = (
        b'{"enrollment":{"user":{"id":4,"pii":{"username":"zoe","email":"u@example.org","name":"Zo\xc3\xab"},'
        b'"is_active":true},"course_key":"course-v1:edX+D+1","more":"2026-01-02T00:00:00+00:00"}}'
    )
    said = (
        b'{"event_type":"org.openedx.learning.course.enrollment.created.v1",'
        b'"id":"00000000-0000-0000-0000-000000000007","minorversion":0,"source":"openedx/lms/web",'
        b'"sourcehost":"lms","time":"2026-01-02T03:04:05.000006+00:00","sourcelib":[11,2,0]}'
    )
    context = {"host": "lms", "course_id": ""}
    for bus, more in ((False, b""), (True, b',"from_event_bus":true')):
        event = writer.event(Metadata(), data, context, bus=bus)
        assert event is not None
        extra = b',"event_metadata":%b%b' % (said, more)
        about = {"host": "lms", **COURSE}
        assert event.written() == WrittenEvent(str(ID), NAME, MOMENT, told, about, "4", extra)
    assert context == {"host": "lms", "course_id": ""}


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
        {"half": Data("é\ud800", None, 2**70), "moment": MOMENT},
        {"long": "x" * 2_000},
        {"naive": Changing(datetime(2026, 1, 2), datetime.max)},  # noqa: DTZ001, DTZ901  # what is tested
        {"other": Data(more=datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=2))))},
        {"same": Data(more=datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta())))},
        {"seconds": Data(more=datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(seconds=30))))},
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
    assert json.dumps(json.loads(written.data)) == json.dumps(plain)
    assert (written.user_id, course_in(written)) == (user_id, course)


@pytest.mark.parametrize(
    "value",
    [
        [1],
        {"a": 1},
        2**300,
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
        Metadata(sourcelib=[1]),
        SimpleNamespace(event_type=NAME),
        None,
    ],
)
def test_other_metadata(metadata: Any) -> None:
    """Is for the long way."""
    writer = SignalWriter(PlainMaker())
    assert writer.event(Metadata(), {"a": 1}, {}) is None
    assert writer.event(Metadata(), {"a": 1}, {}) is not None
    assert writer.event(metadata, {"a": 1}, {}) is None


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
        written = [writer.event(Metadata(), {"it": each}, {}) for each in several]
    for each, found in zip(several, written, strict=True):
        assert found is not None
        assert json.loads(found.written().data) == told(maker, {"it": each})[0]


def test_a_type_that_is_always_different() -> None:
    """Costs a bounded number of lessons and then goes the long way."""
    writer = SignalWriter(PlainMaker())
    for number in range(100):
        kind = attrs.make_class(f"Data{number}", ["a"], frozen=True)
        writer.event(Metadata(), {"it": kind(1)}, {})
    assert len(writer._layouts[NAME]) == 8


@pytest.mark.parametrize("mode", ["ids_only", "none"])
def test_people(mode: Mode) -> None:
    """What may not be said is not said."""
    maker = PlainMaker(mode=mode)
    data = {"user": ZOE, "grade": Data(ZOE, "course-v1:edX+D+1")}
    written = twice(maker, data)
    assert written is not None
    assert json.loads(written.data) == told(maker, data)[0]
    assert b"zoe" not in written.data


def test_nothing_that_can_change_is_left_for_later() -> None:
    """What the platform computes is asked at once, and a context that holds more than plain values is no part of it."""
    key = Key("course-v1:edX+D+1")
    found = second(PlainMaker(), {"it": Data(course_key=key)}, context={"tags": None})
    key.text = "course-v1:edX+other+1"
    assert isinstance(found, UnwrittenSignal)
    assert found.written() == found.written()
    assert course_in(found.written()) == COURSE
    others: list[Any] = [{}, [], MOMENT, type("Text", (str,), {})("a")]
    for value in others:
        found = second(PlainMaker(), {"it": Data()}, context={"tags": value})
        assert isinstance(found, WrittenEvent)
        assert found.context == {"tags": value}


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
    found = second(maker, {"it": value}, context={"host": "\x00" * 50, "user_id": 7})
    if found is not None:
        written = found.written()
        plain, user_id, course = told(maker, {"it": value})
        assert json.dumps(json.loads(written.data)) == json.dumps(plain)
        assert (written.user_id, course_in(written)) == (user_id, course)
        if isinstance(found, UnwrittenSignal):
            assert len(written.data + written.extra + encode_json(written.context)) <= found.size_bytes


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
