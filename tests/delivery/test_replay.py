"""What a replay does beside live traffic, under a rate, with gaps in the log, and when it is cancelled."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest
from msgspec.structs import replace

from tests.delivery.tools import START, ManualTiming, Recorder, deliver, fill, state_of
from trackside.config.settings import LogSettings
from trackside.destinations.base import DELIVERED, Delivery, DestinationSettings, Outcome, Refused, Unsent
from trackside.event import Batch
from trackside.log.base import Log, append_and_wait
from trackside.log.memory import MemoryLog
from trackside.log.subscription import Replay
from trackside.testing.destination_contract import make_event


@pytest.fixture
def log() -> Iterator[MemoryLog]:
    memory = MemoryLog(LogSettings(retention_s=3_600), clock=lambda: START)
    yield memory
    memory.close()


def delivered(log: Log, count: int) -> None:
    """Fill the log with so many events that are delivered already."""
    fill(log, range(1, count + 1))
    deliver(log, Recorder(), lambda: state_of(log).delivered == count)


def finished(log: Log) -> Replay:
    """Return the one request there was."""
    (replay,) = log.subscription("place").finished_replays()
    return replay


def nothing_asked(log: Log) -> bool:
    return not log.subscription("place").replays()


def test_it_goes_no_faster_than_its_rate(log: Log) -> None:
    """1,000 events at 50 a second take 20 seconds, in slices of half a second; each goes once."""
    delivered(log, 1_000)
    log.subscription("place").request_replay(1, 1_000, rate_per_s=50)
    recorder = Recorder()
    timing = deliver(log, recorder, lambda: nothing_asked(log))
    assert recorder.arrived == list(range(1, 1_001))
    assert {len(page) for page in recorder.pages} == {25}
    assert timing.elapsed_s == pytest.approx(20, abs=1)


def test_a_rate_below_one_a_second(log: Log) -> None:
    """One event at a time, with rests of several seconds."""
    delivered(log, 4)
    log.subscription("place").request_replay(1, 4, rate_per_s=0.1)
    recorder = Recorder()
    timing = deliver(log, recorder, lambda: nothing_asked(log))
    assert recorder.pages == [[1], [2], [3], [4]]
    assert timing.elapsed_s == pytest.approx(30, abs=2)


def test_a_rate_can_be_changed_while_it_runs(log: Log) -> None:
    """Asked for again with another rate, the same request goes on with that."""
    delivered(log, 2_000)
    subscription = log.subscription("place")
    subscription.request_replay(1, 2_000, rate_per_s=10)
    recorder = Recorder()
    timing = deliver(log, recorder, lambda: len(recorder.arrived) >= 100)
    assert timing.elapsed_s > 8
    subscription.request_replay(1, 2_000)
    deliver(log, recorder, lambda: nothing_asked(log), timing=timing)
    assert timing.elapsed_s < 15
    assert recorder.arrived == list(range(1, 2_001))


def test_neither_live_events_nor_a_replay_starve(log: Log) -> None:
    """With a backlog on both sides their pages take turns."""
    delivered(log, 20_000)
    fill(log, range(20_001, 40_001))
    log.subscription("place").request_replay(1, 20_000)
    recorder = Recorder()
    deliver(log, recorder, lambda: nothing_asked(log) and state_of(log).delivered == 40_000)
    assert sorted(recorder.arrived) == list(range(1, 40_001))
    kinds = ["live" if page[0] > 20_000 else "replay" for page in recorder.pages[:20]]
    assert kinds.count("live") == kinds.count("replay") == 10


class Resting(Recorder):
    """Takes five events, and asks to be left alone for a second."""

    async def send(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        """Answer for five, and for no others."""
        taken = await super().send(deliveries[:5])
        return [*taken, *[Unsent(rest_s=1)] * (len(deliveries) - len(taken))]


def test_none_starves_where_each_turn_ends_with_a_rest(log: Log) -> None:
    """After the rest it is the other's turn; so it is for a destination with a rate of its own."""
    delivered(log, 100)
    fill(log, range(101, 601))
    log.subscription("place").request_replay(1, 100)
    resting = Resting()
    deliver(log, resting, lambda: nothing_asked(log))
    assert sorted(resting.arrived)[:100] == list(range(1, 101))
    assert 90 <= len(resting.arrived) - 100 <= 110


def test_events_of_some_names(log: Log) -> None:
    """Only names that were asked for, and that the destination takes at all."""
    for number in range(1, 31):
        event = make_event(number)
        append_and_wait(log, Batch(events=[replace(event, name="abc"[number % 3])]))
    settings = DestinationSettings(events=("a", "b"))
    deliver(log, Recorder(), lambda: state_of(log).position == 30, settings=settings)
    log.subscription("place").request_replay(1, 30, names=["b", "c"])
    recorder = Recorder()
    deliver(log, recorder, lambda: nothing_asked(log), settings=settings)
    assert recorder.arrived == [number for number in range(1, 31) if number % 3 == 1]
    assert finished(log).redelivered == 10


def test_what_was_given_up_stays_with_the_request(log: Log) -> None:
    """How many were not taken, and why the last of them."""
    delivered(log, 10)
    recorder = Recorder()

    def script(delivery: Delivery) -> Outcome:
        return Refused(reason=f"no {delivery.position}") if delivery.position in {3, 7} else DELIVERED

    recorder.script = script
    log.subscription("place").request_replay(1, 10)
    deliver(log, recorder, lambda: nothing_asked(log))
    replay = finished(log)
    assert (replay.redelivered, replay.given_up, replay.reason) == (8, 2, "no 7")
    assert replay.finished_at is not None


def test_events_that_are_gone_are_told(log: Log) -> None:
    """What retention removed, and what never was, is counted; the rest is sent."""
    delivered(log, 10)
    subscription = log.subscription("place")
    number = subscription.request_replay(1, 1)
    subscription.cancel_replay(number, now=START)
    log.maintain(START + timedelta(hours=24))
    assert log.bounds().events == 0
    fill(log, range(11, 16))
    deliver(log, Recorder(), lambda: state_of(log).delivered == 15)
    recorder = Recorder()
    subscription.request_replay(4, 20)
    deliver(log, recorder, lambda: nothing_asked(log))
    assert recorder.arrived == [11, 12, 13, 14, 15]
    replay = subscription.finished_replays()[-1]
    assert (replay.redelivered, replay.gone) == (5, 7 + 5)


def test_a_cancelled_replay_sends_no_more(log: Log) -> None:
    """It ends where it is, and the next request begins at its own beginning."""
    delivered(log, 5_000)
    subscription = log.subscription("place")
    number = subscription.request_replay(1, 5_000, rate_per_s=100)
    recorder = Recorder()
    timing = deliver(log, recorder, lambda: len(recorder.arrived) >= 200)

    def cancel_at_1000() -> bool:
        if len(recorder.arrived) >= 1_000 and subscription.cancel_replay(number, now=START):
            subscription.request_replay(7, 8, now=START)
        return not subscription.replays()

    deliver(log, recorder, cancel_at_1000, timing=timing)
    assert recorder.arrived[-2:] == [7, 8]
    assert len(recorder.arrived) < 1_300
    assert subscription.finished_replays()[0].cancelled


def test_a_paused_destination_replays_after_its_resume(log: Log) -> None:
    """The request waits with everything else."""
    delivered(log, 10)
    subscription = log.subscription("place")
    subscription.pause(True)
    subscription.request_replay(1, 10)
    recorder, timing = Recorder(), ManualTiming()
    deliver(log, recorder, lambda: timing.elapsed_s > 100, timing=timing)
    assert recorder.arrived == []
    subscription.pause(False)
    deliver(log, recorder, lambda: nothing_asked(log), timing=timing)
    assert recorder.arrived == list(range(1, 11))
