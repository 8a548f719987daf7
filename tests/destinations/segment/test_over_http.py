"""Batches at a real server, by the real client, with the real worker; only the waits between attempts are skipped."""

import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from email.utils import format_datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.backends.segment_server import Answer, Recorder, recorder
from tests.delivery.tools import START, ManualTiming, deliver, fill, state_of
from trackside.config.settings import LogSettings
from trackside.delivery import DeliveryEngine
from trackside.destinations.segment import Segment, SegmentSettings
from trackside.event import Batch
from trackside.log.base import Log, append_and_wait
from trackside.log.memory import MemoryLog
from trackside.outbound.client import HttpClient
from trackside.outbound.policy import OPEN
from trackside.testing.destination_contract import make_event

EVENTS = 250
Plan = Callable[[dict[str, Any]], Answer]


@pytest.fixture
def log() -> Iterator[MemoryLog]:
    memory = MemoryLog(LogSettings())
    yield memory
    memory.close()


def settings_for(server: Recorder, **more: Any) -> SegmentSettings:
    return SegmentSettings(write_key="k", host=server.url, **more)


def segment_for(settings: SegmentSettings, timing: ManualTiming) -> Segment:
    return Segment(settings, partial(HttpClient, policy=OPEN), now=timing.now, monotonic=timing.monotonic)


def ids(calls: Iterable[dict[str, Any]]) -> list[str]:
    return [call["messageId"] for call in calls]


def after(first: Answer, times: int = 1) -> Plan:
    """Return a plan that answers the second request as `first` says, so many times, and all others 200."""
    count = 0

    def answer(_: dict[str, Any]) -> Answer:
        nonlocal count
        count += 1
        return first if 2 <= count < 2 + times else (200, {})

    return answer


DATE = format_datetime(START + timedelta(seconds=9), usegmt=True)


@pytest.mark.parametrize("gzip", [False, True])
@pytest.mark.parametrize(
    ("make_plan", "waited_s"),
    [
        (lambda: lambda _: (200, {}), 0.0),
        (lambda: lambda _: (202, {}), 0.0),
        (lambda: after((429, {"Retry-After": "7"})), 7.0),
        (lambda: after((429, {"X-RateLimit-Reset": "11"})), 11.0),
        (lambda: after((503, {"Retry-After": "3"})), 3.0),
        (lambda: after((503, {"Retry-After": DATE})), 9.0),
        (lambda: after((500, {}), times=3), 0.5 + 1 + 2),
        (lambda: after((0, {}), times=2), 0.5),
        (lambda: after((401, {})), 30.0),
        (lambda: lambda batch: (413 if len(batch["batch"]) > 40 else 200, {}), 0.0),
    ],
    ids=["200", "202", "429", "429-reset", "503", "503-date", "500", "drop", "401", "413"],
)
def test_every_event_arrives_once_and_in_order(
    log: Log, make_plan: Callable[[], Plan], waited_s: float, gzip: bool
) -> None:
    """Whatever the place answered meanwhile; it is asked again when it said, or when the schedule says."""
    fill(log, range(EVENTS))
    timing = ManualTiming()
    with recorder(make_plan()) as server:
        server.takes = {200, 202}
        settings = settings_for(server, gzip=gzip)
        segment = segment_for(settings, timing)
        deliver(log, segment, lambda: state_of(log).delivered == EVENTS, timing=timing, settings=settings)
        assert ids(server.taken) == [f"event-{number}" for number in range(EVENTS)]
        assert {len(headers["Authorization"]) for headers in server.headers} == {len("Basic azo=")}
    assert waited_s <= timing.elapsed_s < waited_s + 2
    assert (state_of(log).dead, state_of(log).retrying) == (0, 0)


def test_repeats_say_so(log: Log) -> None:
    """The request that is tried again carries how often, and the same ids."""
    fill(log, range(EVENTS))
    timing = ManualTiming()
    with recorder(after((500, {}), times=2)) as server:
        settings = settings_for(server)
        segment = segment_for(settings, timing)
        deliver(log, segment, lambda: state_of(log).delivered == EVENTS, timing=timing, settings=settings)
        counts = [headers.get("X-Retry-Count") for headers in server.headers]
        second, third, fourth = (ids(request["batch"]) for request in server.requests[1:4])
    assert counts == [None, None, "1", "2", None]
    assert second == third == fourth
    assert len({request["sentAt"] for request in server.requests[1:4]}) == 3


def test_what_is_never_taken_is_a_dead_letter(log: Log) -> None:
    """One event that the place refuses, and one of 40 KB that nobody is asked about; the others arrive."""
    fill(log, range(10))
    append_and_wait(log, Batch(events=[make_event(10, data=b'{"a":"%b"}' % (b"x" * 40_000))]))
    fill(log, range(11, 20))
    timing = ManualTiming()
    with recorder(lambda batch: (400 if "event-5" in ids(batch["batch"]) else 200, {})) as server:
        settings = settings_for(server)
        segment = segment_for(settings, timing)
        deliver(log, segment, lambda: state_of(log).position == 20, timing=timing, settings=settings)
        assert ids(server.taken) == [f"event-{number}" for number in range(20) if number not in {5, 10}]
        assert max(len(request["batch"]) for request in server.requests) == 19
    refused, large = log.subscription("place").dead_letters()
    assert (refused.event.id, refused.reason) == ("event-5", "Segment answered 400")
    assert large.event.id == "event-10"
    assert large.reason.endswith("bytes as a call; Segment takes 32,768")


@pytest.mark.parametrize("answers_in_time", [True, False])
def test_a_stop_loses_nothing(log: Log, tmp_path: Path, answers_in_time: bool) -> None:
    """Of 350 events, what is under way may end within the grace; all others stay in the log and go out later."""
    fill(log, range(350))
    reached, release = threading.Event(), threading.Event()

    def hang(_: dict[str, Any]) -> Answer:
        if len(server.requests) == 2:
            reached.set()
            release.wait(10)
        return 200, {}

    with recorder(hang) as server:
        settings = settings_for(server)

        def run_until(condition: threading.Event | None) -> None:
            segment = Segment(settings, partial(HttpClient, policy=OPEN))
            engine = DeliveryEngine(log, {"place": (segment, settings)}, tmp_path / "delivery.lock")
            engine.start()
            if condition is None:
                while state_of(log).delivered < 350:
                    log.wait(350, 0.005)
            else:
                assert condition.wait(10)
                if answers_in_time:
                    threading.Timer(0.1, release.set).start()
            engine.stop(grace_s=5.0 if answers_in_time else 0.1)
            release.set()

        run_until(reached)
        if answers_in_time:
            assert ids(server.taken) == [f"event-{number}" for number in range(state_of(log).delivered)]
        else:
            assert state_of(log).delivered == 0
        run_until(None)
        assert set(ids(server.taken)) == {f"event-{number}" for number in range(350)}
        assert not answers_in_time or len(server.taken) == 350
    assert state_of(log).dead == 0


def test_an_address_that_is_not_allowed(log: Log) -> None:
    """Nothing is sent, nothing dies, and the operator is told."""
    fill(log, [1])
    timing = ManualTiming()
    with recorder() as server:
        settings = settings_for(server)
        segment = Segment(settings, HttpClient, now=timing.now, monotonic=timing.monotonic)
        deliver(log, segment, lambda: timing.elapsed_s > 300, timing=timing, settings=settings)
        assert server.requests == []
    assert (state_of(log).position, state_of(log).dead) == (0, 0)
    assert "check host" in (state_of(log).last_error or "")
