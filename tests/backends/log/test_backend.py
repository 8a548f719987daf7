"""What an emitted event is in the log."""

import math
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import sentinel
from uuid import UUID

import pytest
from msgspec import Raw
from msgspec.structs import replace

from trackside.backends.log import LogBackend
from trackside.backends.log.fast_json import encode_quickly
from trackside.emitted import WrittenEvent, encode_json, waiting_for_commit
from trackside.emitted.identity import sending_as
from trackside.errors import ConfigurationError
from trackside.event import EMITTED, EMITTED_SIGNAL, EMITTED_VALUE, Event, Reject, is_emitted
from trackside.log.base import Unavailable
from trackside.telemetry import catalogue
from trackside.tracker import Tracker

AT = datetime(2026, 11, 3, 9, 30, 15, 120_000, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _own_counters() -> Iterator[None]:
    catalogue.BACKEND_DROPPED.reset()
    yield
    catalogue.BACKEND_DROPPED.reset()


@pytest.fixture
def backend(tmp_path: Path) -> LogBackend:
    return LogBackend(tmp_path / "data")


def stored(backend: LogBackend) -> list[Event]:
    assert backend.flush(10)
    return list(backend.log.read(0).events)


def emitted(
    name: Any = "edx.x", data: Any = None, context: Any = None, timestamp: Any = AT
) -> dict[str, Any]:
    return {
        "name": name,
        "timestamp": timestamp,
        "data": {} if data is None else data,
        "context": context or {},
    }


def test_an_event_in_the_log(backend: LogBackend) -> None:
    """Name, time, data, context and user are the emitted ones; the id is one of its own."""
    backend.send(emitted(data={"mode": "honor"}, context={"user_id": 7, "path": "/é"}))
    (event,) = stored(backend)
    assert event.name == "edx.x"
    assert event.type == "track"
    assert event.source == "tracker"
    assert event.timestamp == AT
    assert event.decoded_data() == {"mode": "honor"}
    assert event.decoded_context() == {"user_id": 7, "path": "/é"}
    assert event.user_id == "7"
    assert event.extra == EMITTED
    assert len(event.id) == 32
    assert abs(event.received_at - datetime.now(UTC)) < timedelta(minutes=1)


def test_nothing_is_opened_before_the_first_event(tmp_path: Path) -> None:
    """Making the backend touches no file."""
    LogBackend(tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_what_was_emitted_is_what_it_was_then(backend: LogBackend) -> None:
    """A change of the data after `send` changes nothing."""
    data = {"list": [1]}
    backend.send(emitted(data=data))
    data["list"].append(2)
    assert stored(backend)[0].decoded_data() == {"list": [1]}


def test_an_application_may_change_everything_right_after_emit(backend: LogBackend) -> None:
    """What was emitted is what it was then, also where the context is the same object for every event."""
    tracker = Tracker(backends={"log": backend})
    data, context = {"n": 0, "in": {"n": [0]}}, {"n": 0, "in": {"at": AT, "n": [0]}}
    with tracker.context("request", context):
        for number in range(100):
            data["n"] = context["n"] = data["in"]["n"][0] = context["in"]["n"][0] = number  # type: ignore[index]
            tracker.emit("n", data)
    data.clear()
    context.clear()
    at = "2026-11-03T09:30:15.120000+00:00"
    assert [(event.decoded_data(), event.decoded_context()) for event in stored(backend)] == [
        ({"n": n, "in": {"n": [n]}}, {"n": n, "in": {"at": at, "n": [n]}}) for n in range(100)
    ]


def test_an_event_of_now_has_the_time_of_now(backend: LogBackend) -> None:
    """To the microsecond, in UTC."""
    before = datetime.now(UTC)
    Tracker(backends={"log": backend}).emit("n")
    after = datetime.now(UTC)
    (event,) = stored(backend)
    assert before - timedelta(microseconds=1) <= event.timestamp <= after + timedelta(microseconds=1)
    assert event.timestamp.tzinfo is UTC


def test_both_ways_store_the_same(backend: LogBackend) -> None:
    """Whether it comes in parts or as a whole, with whatever user."""
    users: list[Any] = [None, "", "7", 7, 0, "ünï", "\ud83d", 5.5, True, ["x"]]
    for user in users:
        backend.send(emitted(data={"a": 1}, context={"user_id": user, "at": AT}))
        assert (
            backend.send_now("edx.x", {"a": 1}, {"user_id": user, "at": AT})
            or backend.send(emitted(data={"a": 1}, context={"user_id": user, "at": AT})) is None
        )
    events = stored(backend)
    kept = [(e.name, e.data, e.context, e.user_id, e.extra) for e in events]
    assert kept[::2] == kept[1::2]
    assert [event.user_id for event in events[::2]] == [
        None,
        None,
        "7",
        "7",
        "0",
        "ünï",
        "?",
        "5.5",
        "True",
        "['x']",
    ]


def test_json_of_the_application_s_own(backend: LogBackend) -> None:
    """It is stored as it is, line feeds included."""
    backend.send(emitted(data={"raw": Raw(b'{"a":\n1}')}, context={"raw": Raw(b"[\n]")}))
    (event,) = stored(backend)
    assert (event.decoded_data(), event.decoded_context()) == ({"raw": {"a": 1}}, {"raw": []})


def test_ids_are_never_given_twice(backend: LogBackend) -> None:
    """Equal events at the same moment are two events."""
    for _ in range(1_000):
        backend.send(emitted())
    assert len({event.id for event in stored(backend)}) == 1_000


def test_an_event_sent_again_under_its_id_is_stored_once(backend: LogBackend) -> None:
    """Whoever cannot know whether the first attempt went through says whose it is."""
    for _ in range(2):
        with sending_as("outbox-1"):
            backend.send(emitted())
    assert [event.id for event in stored(backend)] == ["outbox-1"]


@pytest.mark.parametrize("data", ["text", [1, 2], 5])
def test_data_that_is_no_object(backend: LogBackend, data: object) -> None:
    """It is kept as one member, and the event says so."""
    backend.send(emitted(data=data))
    (event,) = stored(backend)
    assert event.decoded_data() == {"value": data}
    assert event.extra == EMITTED_VALUE


@pytest.mark.parametrize(
    ("timestamp", "expected"),
    [
        (datetime(2026, 11, 3, 10, 30, 15, 120_000, tzinfo=timezone(timedelta(hours=1))), AT),
        (AT.replace(tzinfo=None), AT),
        (AT.isoformat(), AT),
    ],
)
def test_times_in_other_forms(backend: LogBackend, timestamp: object, expected: datetime) -> None:
    """Other zones, no zone and text all mean a moment."""
    backend.send(emitted(timestamp=timestamp))
    assert stored(backend)[0].timestamp == expected


@pytest.mark.parametrize("timestamp", [sentinel.time, None, "soon", 5, 5.5, datetime.min])  # noqa: DTZ901
def test_times_that_are_none(backend: LogBackend, timestamp: object) -> None:
    """The moment of storing stands in."""
    backend.send(emitted(timestamp=timestamp))
    (event,) = stored(backend)
    assert event.timestamp == event.received_at or event.timestamp.year == 1


@pytest.mark.parametrize("name", [sentinel.name, "half \ud83d", 5, "ünï"])
def test_any_name(backend: LogBackend, name: object) -> None:
    """A name is whatever its text is; half a character does not keep its neighbours from being stored."""
    backend.send(emitted(name=name))
    backend.send(emitted(name="next", context={"user_id": "\ud83d"}))
    first, second = stored(backend)
    assert first.name == str(name).replace("\ud83d", "?")
    assert (second.name, second.user_id) == ("next", "?")


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"name": "x"},
        {"name": "x", "data": {"a": 1}, "context": None},
        {"name": "x", "data": {}, "context": [1]},
    ],
)
def test_events_that_are_not_whole(backend: LogBackend, event: dict[str, Any]) -> None:
    """What is there is stored."""
    backend.send(event)
    assert stored(backend)[0].name == event.get("name", "unknown")


def test_what_has_no_json_is_counted(backend: LogBackend) -> None:
    """It is lost, with its reason; its neighbours are not."""
    circle: dict[str, Any] = {}
    circle["self"] = circle
    for data in ({"x": object()}, circle):
        backend.send(emitted(data=data))
    backend.send(emitted(name="good"))
    assert [event.name for event in stored(backend)] == ["good"]
    assert catalogue.BACKEND_DROPPED.value("log", "unencodable") == 2


def test_what_is_too_large_is_counted(tmp_path: Path) -> None:
    """It is lost, with its reason."""
    backend = LogBackend(tmp_path, max_event_bytes=5_000)
    backend.send(emitted(data={"x": "y" * 5_000}))
    backend.send(emitted(data={"x": "y"}))
    assert len(stored(backend)) == 1
    assert catalogue.BACKEND_DROPPED.value("log", "oversize") == 1


def test_durable(backend: LogBackend) -> None:
    """`durable=True` returns once the event is in the log, and False where it never can be."""
    tracker = Tracker(backends={"log": backend})
    assert tracker.emit("x", {"a": 1}, durable=True) is True
    assert [event.name for event in backend.log.read(0).events] == ["x"]
    assert tracker.emit("x", {"a": object()}, durable=True) is False


def test_backends_of_one_directory_share_a_writer(tmp_path: Path) -> None:
    """Two backends, one thread, one order."""
    first, second = LogBackend(tmp_path), LogBackend(tmp_path)
    for number in range(10):
        (first, second)[number % 2].send(emitted(name=str(number)))
    assert [event.name for event in stored(first)] == [str(number) for number in range(10)]
    assert first.log is second.log


def test_wrong_settings_are_told(tmp_path: Path) -> None:
    """With the name of what is wrong."""
    with pytest.raises(ConfigurationError, match="retention"):
        LogBackend(tmp_path, settings={"retention_s": "soon"})


@pytest.mark.parametrize(
    "value",
    [
        {"a": [1, 2.5, None, True, "é\n"], "b": {"c": {}}},
        {"at": datetime(2026, 1, 2, 3, 4, 5)},  # noqa: DTZ001  # a time without zone is what is tested
        {"at": datetime(2026, 1, 2, 23, 4, 5, 6, tzinfo=UTC)},
        {"at": datetime(2026, 1, 2, 13, 4, 5, tzinfo=timezone(timedelta(hours=2)))},
        {"id": UUID(int=5), "n": Decimal("1.50"), "nan": math.nan, "inf": math.inf},
        {"text": "2026-01-02T13:04:05", "T1": "T0"},
        {"at": AT, "again": AT, "text": "T12", "zoned": AT.astimezone(timezone(timedelta(hours=2)))},
        {"at": AT, "text": "2026-11-03T09:30:15.120000Z"},
        {"at": AT, "in": [{"at": (AT, "x")}, {"flat": 1}], "deep": {"id": UUID(int=5)}},
        {"naive": AT.replace(tzinfo=None), "gmt": AT.astimezone(timezone(timedelta(0), "GMT"))},
        {1: "one", "big": 2**70, "half": "\ud83d"},
        {"tuple": (1, 2), "bytes": b"abc", "set": {1}},
        "text",
        [],
    ],
)
def test_the_quick_way_writes_the_same(value: Any) -> None:
    """Whatever the value, the bytes are those of `encode_json`."""
    assert encode_quickly(value) == encode_json(value)


def test_waiters_are_only_for_those_who_wait(backend: LogBackend) -> None:
    """Each event sent within the block can be waited for."""
    with waiting_for_commit() as waiters:
        backend.send(emitted())
        backend.send(emitted())
    assert [waiter.wait(5) for waiter in waiters] == [True, True]


def reject(body: bytes = b"{}") -> Reject:
    return Reject(source="segmentio", received_at=AT, reason="missing_name", detail="No name.", body=body)


def test_rejects_are_kept(backend: LogBackend) -> None:
    """What did not become an event is in the log beside the events, the newest first."""
    backend.send(emitted())
    backend.keep_reject(reject(b"1"))
    backend.keep_reject(reject(b"2"))
    assert len(stored(backend)) == 1
    assert [each.reject for each in backend.log.rejects()] == [reject(b"2"), reject(b"1")]


class _Full:
    """A log that can keep nothing now."""

    def commit_now(self, batches: Any) -> list[Unavailable]:
        return [Unavailable("the disk is full")] * len(batches)


def test_rejects_take_no_room_from_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the disk is full, as many wait as fit into a small queue of their own; the others are counted."""
    monkeypatch.setattr("trackside.backends.log.writer.REJECT_QUEUE_BYTES", 50_000)
    full: Any = _Full()
    backend = LogBackend(log=full)
    for _ in range(20):
        backend.keep_reject(reject(b"x" * 8_192))
    assert catalogue.BACKEND_DROPPED.values() == {("log_rejects", "queue_full"): 15.0}


def test_what_more_an_event_says(backend: LogBackend) -> None:
    """Its `extra` stands behind that a tracker emitted it; its user takes the place of the context's."""
    extra = {"event_metadata": {"source": "é", "sourcelib": [1, 2]}, "from_event_bus": True}
    backend.send({**emitted(context={"user_id": 7}), "user_id": "9", "extra": extra})
    backend.send({**emitted(context={"user_id": 7}), "user_id": None})
    first, second = stored(backend)
    assert bytes(first.extra).startswith(EMITTED_SIGNAL)
    assert first.decoded_extra() == {"origin": "tracker", **extra}
    assert first.user_id == "9"
    assert (second.user_id, second.extra) == (None, EMITTED)
    assert is_emitted(first)
    assert is_emitted(second)


@pytest.mark.parametrize("extra", [None, {}, [1], "text"])
def test_an_extra_that_says_nothing(backend: LogBackend, extra: object) -> None:
    """Is none; the event is as any other."""
    backend.send({**emitted(), "extra": extra})
    assert [event.extra for event in stored(backend)] == [EMITTED]


def test_an_extra_of_unusual_values(backend: LogBackend) -> None:
    """Is written as data would be; what has no JSON costs the event, and is counted."""
    backend.send({**emitted(), "extra": {"a": {1: "\ud800"}}})
    backend.send({**emitted(), "extra": {"a": object()}})
    assert [event.decoded_extra()["a"] for event in stored(backend)] == [{"1": "\ud800"}]
    assert catalogue.BACKEND_DROPPED.values() == {("log", "unencodable"): 1}


WRITTEN = WrittenEvent(
    "78cd35f8-e517-11f1-94f2-0242ac120002",
    "edx.x",
    AT,
    b'{"a":"\xc3\xa9"}',
    {"user_id": 7},
    "9",
    b',"b":{"c":1}',
)


@pytest.mark.parametrize("context", [{}, {"user_id": 7, "received_at": AT, "set": {1}}])
def test_written_events(backend: LogBackend, context: dict[str, Any]) -> None:
    """Are in the log what the same events would be, under their ids."""
    written = replace(WRITTEN, context=context)
    assert backend.send_written(written)
    with sending_as("other"):
        backend.send(written.event())
    first, second = stored(backend)
    assert (first.id, second.id) == (written.id, "other")
    assert replace(first, id="", received_at=AT) == replace(second, id="", received_at=AT)
    assert (first.timestamp, first.user_id, bytes(first.data)) == (AT, "9", WRITTEN.data)


def test_written_events_that_are_unusual(tmp_path: Path) -> None:
    """One that somebody waits for, is too large, or has a context without JSON, is left for `send`."""
    backend = LogBackend(tmp_path / "data", max_event_bytes=2_000)
    with waiting_for_commit():
        assert not backend.send_written(WRITTEN)
    assert not backend.send_written(replace(WRITTEN, data=b'{"a":"%b"}' % (b"x" * 2_000)))
    assert not backend.send_written(replace(WRITTEN, context={"a": object()}))
    Tracker({"log": backend}).emit_written(replace(WRITTEN, context={"a": object()}))
    Tracker({"log": backend}).emit_written(replace(WRITTEN, data=b'{"a":"%b"}' % (b"x" * 2_000)))
    assert stored(backend) == []
    assert catalogue.BACKEND_DROPPED.values() == {("log", "unencodable"): 1.0, ("log", "oversize"): 1.0}


class Later:
    """Is written when the log's thread comes to it."""

    def __init__(self, written: WrittenEvent | Exception, size_bytes: int = 500) -> None:
        self.size_bytes = size_bytes
        self._written = written
        self.threads: list[str] = []

    def written(self) -> WrittenEvent:
        """Return what was given, or raise it."""
        self.threads.append(threading.current_thread().name)
        if isinstance(self._written, Exception):
            raise self._written
        return self._written


def test_events_that_are_written_later(backend: LogBackend) -> None:
    """Are in the log as those that were written before, in their order; one that cannot be is counted."""
    events = [replace(WRITTEN, id=str(number)) for number in range(6)]
    later = [Later(event) for event in events]
    faults: list[WrittenEvent | Exception] = [OSError(), replace(WRITTEN, context={"a": object()})]
    for event, written in zip(later[:3], events[3:], strict=True):
        assert backend.send_written(event)
        assert backend.send_written(Later(faults[0]))
        assert backend.send_written(written)
        assert backend.send_written(Later(faults[1]))
    assert [event.id for event in stored(backend)] == ["0", "3", "1", "4", "2", "5"]
    assert {name for event in later[:3] for name in event.threads} == {"trackside-log"}
    assert catalogue.BACKEND_DROPPED.values() == {("log", "unencodable"): 6}


def test_nothing_but_events_that_cannot_be_written(backend: LogBackend) -> None:
    """Is no batch."""
    assert backend.send_written(Later(OSError()))
    assert stored(backend) == []
    assert catalogue.BACKEND_DROPPED.values() == {("log", "unencodable"): 1}


def test_unwritten_events_that_are_unusual(tmp_path: Path) -> None:
    """One that somebody waits for, or that may be too large, is written at once."""
    backend = LogBackend(tmp_path / "data", max_event_bytes=2_000)
    with waiting_for_commit() as waiters:
        event = Later(WRITTEN)
        assert not backend.send_written(event)
        Tracker({"log": backend}).emit_written(event)
        assert [waiter.wait(5) for waiter in waiters] == [True]
    perhaps = Later(WRITTEN, 2_000)
    assert not backend.send_written(perhaps)
    Tracker({"log": backend}).emit_written(perhaps)
    assert [event.id for event in stored(backend)] == [WRITTEN.id]
    assert event.threads == perhaps.threads == ["MainThread"]
    assert catalogue.BACKEND_DROPPED.values() == {}
