"""Erased events go to no destination: not live, not when what waited is tried again, not by a replay."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.delivery.tools import ManualTiming, Recorder, deliver, fill, state_of
from trackside.config.settings import LogSettings
from trackside.delivery.feed import Feed
from trackside.delivery.ledger import Ledger
from trackside.delivery.worker import DeliveryWorker
from trackside.destinations.base import DELIVERED, Delivery, DestinationSettings, Outcome, Refused, Retry
from trackside.event import ERASED
from trackside.log.base import Log
from trackside.log.memory import MemoryLog
from trackside.log.person import Finder, Person


@pytest.fixture
def log() -> Iterator[MemoryLog]:
    memory = MemoryLog(LogSettings())
    yield memory
    memory.close()


def everybody_in(log: Log) -> Finder:
    users = {event.user_id for event in log.read(0).events if event.user_id is not None}
    assert users
    return Finder(Person(user_ids=frozenset(users)))


@pytest.mark.parametrize("ordered", [False, True])
def test_live(log: Log, ordered: bool) -> None:
    """They count as filtered; their neighbours go, in order."""
    fill(log, range(1, 11))
    log.erase([1, 4, 5, 10])
    recorder = Recorder(ordered=ordered)
    deliver(log, recorder, lambda: state_of(log).position == 10)
    assert recorder.arrived == [2, 3, 6, 7, 8, 9]
    assert (state_of(log).delivered, state_of(log).filtered) == (6, 4)


def test_a_page_of_nothing_else(log: Log) -> None:
    """The destination is not even asked."""
    fill(log, range(1, 4))
    log.erase([1, 2, 3])
    recorder = Recorder()
    deliver(log, recorder, lambda: state_of(log).filtered == 3)
    assert recorder.pages == []


def test_what_waited(log: Log) -> None:
    """It is settled when it is due, without an attempt."""
    fill(log, [1, 2])
    recorder = Recorder()
    recorder.script = lambda delivery: Retry(reason="busy")
    timing = deliver(log, recorder, lambda: state_of(log).retrying == 2)
    log.subscription("place").erase_of(everybody_in(log))
    log.erase([1, 2])
    recorder.attempts.clear()
    deliver(log, recorder, lambda: state_of(log).retrying == 0, timing=timing)
    assert (recorder.attempts, state_of(log).filtered) == ([], 2)


def test_erased_while_it_is_under_way(log: Log) -> None:
    """What was in hand goes out, or fails; what is kept of it afterwards holds nothing."""
    fill(log, [1])

    def busy_once_erased(delivery: Delivery) -> Outcome:
        if delivery.attempt == 2:
            log.subscription("place").erase_of(everybody_in(log))
            return Refused(reason="gone")
        return Retry(reason="busy") if delivery.attempt == 1 else DELIVERED

    recorder = Recorder()
    recorder.script = busy_once_erased
    deliver(log, recorder, lambda: state_of(log).dead == 1)
    (letter,) = log.subscription("place").dead_letters()
    assert letter.event.type == ERASED


def test_erased_at_its_first_attempt(log: Log) -> None:
    """It fails afterwards: nothing of it is tried again."""
    fill(log, [1, 2])

    def erase_first(delivery: Delivery) -> Outcome:
        log.erase([1])
        return Retry(reason="busy") if delivery.position == 1 else DELIVERED

    recorder = Recorder()
    recorder.script = erase_first
    deliver(log, recorder, lambda: state_of(log).position == 2 and state_of(log).retrying == 0)
    assert recorder.attempts == [(1, 1), (2, 1)]
    assert (state_of(log).delivered, state_of(log).filtered) == (1, 1)


def test_a_slow_replay_that_holds_it(log: Log) -> None:
    """It reads a page at once and sends it within 20 seconds: what is erased meanwhile it passes over."""
    fill(log, range(1, 201))
    recorder = Recorder()
    deliver(log, recorder, lambda: state_of(log).delivered == 200)
    log.subscription("place").request_replay(1, 200, rate_per_s=10)
    recorder.arrived.clear()

    def erase_once() -> None:
        if len(recorder.arrived) == 20:
            log.erase([150])

    recorder.during = erase_once
    deliver(log, recorder, lambda: not log.subscription("place").replays())
    assert recorder.arrived == [n for n in range(1, 201) if n != 150]


def test_what_a_feed_brought(log: Log) -> None:
    """A destination that rests for hours does not send from memory what is erased by then."""
    worker = DeliveryWorker(
        log.subscription("place"),
        log,
        Recorder(),
        DestinationSettings(),
        timing=ManualTiming(),
        overseen=True,
    )
    feed = Feed(log, ManualTiming())

    async def scenario() -> bool:
        inbox = feed.open(["*"], lambda: None)
        ledger = Ledger(log.subscription("place"), Recorder(), ManualTiming(), 0)
        worker._route = worker._new_route(ledger, inbox)
        inbox.join(0)
        fill(log, range(1, 11))
        await feed.bring()
        assert inbox.page(0, 1_000) is not None
        log.erase([3])
        worker.refreshed(state_of(log), 10, read_at_s=0.0)
        return inbox.joined

    assert asyncio.run(scenario()) is False


def test_a_replay(log: Log) -> None:
    """It passes them over and comes to its end."""
    fill(log, range(1, 6))
    recorder = Recorder()
    deliver(log, recorder, lambda: state_of(log).delivered == 5)
    log.erase([2, 5])
    log.subscription("place").request_replay(1, 5)
    recorder.arrived.clear()
    deliver(log, recorder, lambda: not log.subscription("place").replays())
    assert recorder.arrived == [1, 3, 4]
    (replay,) = log.subscription("place").finished_replays()
    assert (replay.redelivered, replay.given_up) == (3, 0)


def test_a_dead_letter_that_is_tried_again(log: Log) -> None:
    """What was erased while its attempt was under way is a dead letter of nothing, and is settled as such."""
    fill(log, [1])
    recorder = Recorder()
    recorder.script = lambda delivery: Retry(reason="busy")
    timing = deliver(log, recorder, lambda: state_of(log).retrying == 1)
    log.subscription("place").erase_of(everybody_in(log))
    log.subscription("place").bury_waiting("given up", now=timing.now())
    log.subscription("place").retry_dead(None, now=timing.now())
    recorder.attempts.clear()
    deliver(log, recorder, lambda: state_of(log).filtered == 1, timing=timing)
    assert recorder.attempts == []
