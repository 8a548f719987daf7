"""Whoever listens is told of each attempt that failed, of new events, waiting ones and replayed ones."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.delivery.tools import START, Recorder, deliver, fill, state_of
from trackside.config.settings import LogSettings
from trackside.destinations.base import DELIVERED, Behind, Delivery, Filtered, Outcome, Refused, Retry
from trackside.log.base import Log
from trackside.log.memory import MemoryLog
from trackside.telemetry import catalogue


@pytest.fixture
def log() -> Iterator[MemoryLog]:
    memory = MemoryLog(LogSettings())
    yield memory
    memory.close()


@pytest.fixture
def failed() -> Iterator[list[catalogue.DeliveryFailed]]:
    told: list[catalogue.DeliveryFailed] = []
    end = catalogue.DELIVERY_FAILED.subscribe(told.append)
    yield told
    end()


@pytest.mark.parametrize("ordered", [True, False])
def test_each_attempt_is_told(log: Log, failed: list[catalogue.DeliveryFailed], ordered: bool) -> None:
    """With its number, its reason and the next time; the last one has none."""
    fill(log, [1, 2])
    recorder = Recorder(ordered=ordered)
    recorder.script = lambda delivery: (
        Retry(reason="503", after_s=10) if delivery.position == 2 else DELIVERED
    )
    deliver(log, recorder, lambda: state_of(log).dead == 1)
    assert [(each.position, each.attempt, each.reason) for each in failed] == [
        (2, 1, "503"),
        (2, 2, "503"),
        (2, 3, "503"),
    ]
    assert (failed[0].destination, failed[0].event_id, failed[0].name) == (
        "place",
        "event-2",
        "Lesson Opened",
    )
    assert failed[0].next_at == START + timedelta(seconds=10)
    assert [each.next_at is None for each in failed] == [False, False, True]


def test_only_attempts_are_told(log: Log, failed: list[catalogue.DeliveryFailed]) -> None:
    """Not what nobody was asked about, what was not wanted here, and what was our own fault."""
    fill(log, range(1, 6))
    outcomes: dict[int, Outcome] = {
        1: Filtered(),
        2: Refused(reason="413"),
        3: Behind(reason="waits", after_s=5),
        4: Retry(reason="stopping", spends_attempt=False, after_s=5),
    }
    recorder = Recorder()
    recorder.script = lambda delivery: outcomes.pop(delivery.position, DELIVERED)
    deliver(log, recorder, lambda: state_of(log).delivered == 3)
    assert [(each.position, each.next_at) for each in failed] == [(2, None)]


def test_a_replay_tells_too(log: Log, failed: list[catalogue.DeliveryFailed]) -> None:
    fill(log, [1, 2])
    recorder = Recorder()
    deliver(log, recorder, lambda: state_of(log).delivered == 2)

    def script(delivery: Delivery) -> Outcome:
        return Refused(reason="413") if delivery.position == 1 else DELIVERED

    recorder.script = script
    log.subscription("place").request_replay(1, 2)
    deliver(log, recorder, lambda: not log.subscription("place").replays())
    assert [(each.position, each.attempt, each.reason) for each in failed] == [(1, 1, "413")]


def test_without_listeners_nothing_is_made(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    def unwanted(**_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(catalogue, "DeliveryFailed", unwanted)
    fill(log, [1])
    recorder = Recorder()
    recorder.script = lambda _: Refused(reason="413")
    deliver(log, recorder, lambda: state_of(log).dead == 1)
