"""The engine: one process delivers, in a thread of its own, and stops cleanly."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.delivery.tools import Recorder, fill, state_of
from trackside.config.settings import LogSettings
from trackside.delivery import DeliveryEngine, is_held, wakes
from trackside.delivery.lock import DeliveryLock
from trackside.destinations.base import Delivery, Destination, DestinationSettings, Outcome
from trackside.log.base import Log
from trackside.log.memory import MemoryLog


@pytest.fixture
def log() -> Iterator[MemoryLog]:
    memory = MemoryLog(LogSettings())
    yield memory
    memory.close()


def engine(log: Log, folder: Path, **destinations: Destination) -> DeliveryEngine:
    places = {name: (destination, DestinationSettings()) for name, destination in destinations.items()}
    return DeliveryEngine(log, places, folder / "delivery.lock")


def eventually(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    """Wait for what another thread does, no longer than it takes."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "never came"
        threading.Event().wait(0.002)


def test_delivers_what_is_there_and_what_comes(log: Log, tmp_path: Path) -> None:
    """Events of before the start and of after it arrive, within 250 ms while it runs."""
    fill(log, [1, 2])
    recorder = Recorder()
    running = engine(log, tmp_path, place=recorder)
    running.start()
    eventually(lambda: recorder.arrived == [1, 2])
    assert running.active
    appended = time.monotonic()
    fill(log, [3])
    eventually(lambda: recorder.arrived == [1, 2, 3])
    assert time.monotonic() - appended < 1.0
    running.stop()
    assert state_of(log).delivered == 3
    assert not running.active


@pytest.mark.slow
def test_only_one_delivers_and_another_takes_over(log: Log, tmp_path: Path) -> None:
    """A second engine on the same directory waits until the first is gone."""
    first, second = Recorder(), Recorder()
    one, two = engine(log, tmp_path, place=first), engine(log, tmp_path, place=second)
    one.start()
    eventually(lambda: one.active)
    two.start()
    fill(log, [1])
    eventually(lambda: first.arrived == [1])
    assert not two.active
    one.stop()
    fill(log, [2])
    eventually(lambda: second.arrived == [2])
    two.stop()
    assert first.arrived == [1]


def test_one_hanging_destination_holds_up_no_other(log: Log, tmp_path: Path) -> None:
    """A destination that blocks keeps nobody waiting, and a stop ends within its grace all the same."""

    class Hanging(Recorder):
        async def send(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
            await asyncio.get_running_loop().create_future()
            raise AssertionError

    good = Recorder()
    running = engine(log, tmp_path, bad=Hanging(), place=good)
    running.start()
    fill(log, [1, 2])
    eventually(lambda: good.arrived == [1, 2])
    started = time.monotonic()
    running.stop(grace_s=0.1)
    assert time.monotonic() - started < 2.0
    assert log.subscription("bad").state().position == 0


def test_a_disabled_destination_gets_nothing(log: Log, tmp_path: Path) -> None:
    """`enabled = false` neither sends nor makes a subscription."""
    off, on = Recorder(), Recorder()
    places: dict[str, tuple[Destination, DestinationSettings]] = {
        "off": (off, DestinationSettings(enabled=False)),
        "place": (on, DestinationSettings()),
    }
    running = DeliveryEngine(log, places, tmp_path / "delivery.lock")
    running.start()
    fill(log, [1])
    eventually(lambda: on.arrived == [1])
    running.stop()
    assert off.arrived == []
    assert log.subscriptions() == ["place"]


def test_latest_begins_at_the_end(log: Log, tmp_path: Path) -> None:
    """`start = "latest"` sends only what comes after the start."""
    fill(log, [1])
    recorder = Recorder()
    settings = DestinationSettings(start="latest")
    running = DeliveryEngine(log, {"place": (recorder, settings)}, tmp_path / "delivery.lock")
    running.start()
    fill(log, [2])
    eventually(lambda: recorder.arrived == [2])
    running.stop()


def test_stop_without_start_and_twice(log: Log, tmp_path: Path) -> None:
    """A stop is always possible, and a stopped engine can start again."""
    recorder = Recorder()
    running = engine(log, tmp_path, place=recorder)
    running.stop()
    for number in (1, 2):
        running.start()
        fill(log, [number])
        eventually(lambda: len(recorder.arrived) == number)  # noqa: B023
        running.stop()
        running.stop()


def test_an_engine_without_destinations_stops(log: Log, tmp_path: Path) -> None:
    """Nothing to do is no reason to hang."""
    running = engine(log, tmp_path)
    running.start()
    eventually(lambda: running.active)
    running.stop()


def test_the_lock_is_seen_and_given_back(tmp_path: Path) -> None:
    """Others can see whether somebody delivers; the lock is free again after a release."""
    path = tmp_path / "delivery.lock"
    assert not is_held(path)
    lock, other = DeliveryLock(path), DeliveryLock(path)
    assert lock.acquire()
    assert lock.acquire()
    assert is_held(path)
    assert not other.acquire()
    lock.release()
    lock.release()
    assert not is_held(path)
    assert other.acquire()
    other.release()


def test_few_events_are_brought_as_they_come(
    log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gathering begins where many come: the next event of a quiet place does not wait for the end of a gathering."""
    monkeypatch.setattr(wakes, "GATHER_S", 60.0)
    recorder = Recorder()
    running = engine(log, tmp_path, place=recorder)
    running.start()
    for number in range(1, 6):
        fill(log, [number])
        eventually(lambda: recorder.arrived == list(range(1, number + 1)))  # noqa: B023  # called at once
    running.stop()
