"""Erased events go to no destination: not live, not when what waited is tried again, not by a replay."""

from collections.abc import Iterator

import pytest

from tests.delivery.tools import Recorder, deliver, fill, state_of
from trackside.config.settings import LogSettings
from trackside.destinations.base import DELIVERED, Delivery, Outcome, Refused, Retry
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
