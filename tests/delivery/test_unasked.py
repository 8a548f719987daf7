"""What a worker does with events that nobody was asked about, and with places that want to be left alone."""

from collections.abc import Iterator, Sequence

import pytest

from tests.delivery.tools import START, ManualTiming, Recorder, deliver, fill, state_of
from trackside.config.settings import LogSettings
from trackside.destinations.base import (
    DELIVERED,
    FILTERED,
    Behind,
    Delivery,
    DestinationSettings,
    Gone,
    Outcome,
    Retry,
    Unsent,
)
from trackside.log.base import Log
from trackside.log.memory import MemoryLog
from trackside.telemetry import catalogue


@pytest.fixture
def log() -> Iterator[MemoryLog]:
    memory = MemoryLog(LogSettings())
    yield memory
    memory.close()


def by_position(answers: dict[int, Outcome]) -> object:
    return lambda delivery: answers.get(delivery.position, DELIVERED)


class Few(Recorder):
    """It takes so many of a page, and leaves the rest to the next."""

    most = 3
    rest: Outcome = Unsent()

    async def send(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        """Send the first few."""
        outcomes = await super().send(deliveries[: self.most])
        return [*outcomes, *[self.rest] * (len(deliveries) - len(outcomes))]


@pytest.mark.parametrize("ordered", [True, False])
def test_a_part_of_a_page(log: Log, ordered: bool) -> None:
    """What is left of a page stays in the log, as no row, and goes at once; nothing is said to fail."""
    fill(log, range(1, 11))
    recorder = Few(ordered=ordered)
    rows: list[int] = []
    recorder.during = lambda: rows.append(state_of(log).retrying)
    timing = deliver(log, recorder, lambda: state_of(log).delivered == 10)
    assert recorder.arrived == list(range(1, 11))
    assert recorder.pages == [[1, 2, 3], [4, 5, 6], [7, 8, 9], [10]]
    assert set(rows) == {0}
    assert {attempt for _, attempt in recorder.attempts} == {1}
    assert timing.elapsed_s < 1
    assert state_of(log).failing_since is None


@pytest.mark.parametrize("reason", ["come later", None])
def test_the_whole_place_rests(log: Log, reason: str | None) -> None:
    """While a place asks to be left alone nothing goes there, waiting events included, and no attempt is spent."""
    fill(log, range(1, 5))
    recorder = Recorder()
    answers: dict[int, Outcome] = {1: Retry(reason="busy", after_s=1)}
    rest = Unsent(rest_s=60, reason=reason)
    answers |= dict.fromkeys((2, 3, 4), rest)
    recorder.script = by_position(answers)  # type: ignore[assignment]
    timing = ManualTiming()
    deliver(log, recorder, lambda: timing.elapsed_s > 50, timing=timing)
    assert recorder.pages == [[1, 2, 3, 4]]
    assert (state_of(log).position, state_of(log).retrying) == (1, 1)
    assert state_of(log).last_error == reason
    recorder.script = lambda delivery: DELIVERED
    deliver(log, recorder, lambda: state_of(log).delivered == 4, timing=timing)
    assert recorder.attempts[4:] == [(2, 1), (3, 1), (4, 1), (1, 2)]
    assert state_of(log).failing_since is None


class Resting(Few):
    """It fails the first of a page and asks to be left alone, as a breaker does, until it is well."""

    most = 1
    rest: Outcome = Unsent(rest_s=20, reason="down")

    def __init__(self) -> None:
        super().__init__()
        self.script = lambda delivery: Retry(reason="down")
        self.sizes: list[int] = []

    async def send(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        """Note how many it is handed."""
        self.sizes.append(len(deliveries))
        return await super().send(deliveries)

    def be_well(self) -> None:
        """Take everything from now on."""
        self.script, self.most = lambda delivery: DELIVERED, 100_000


MANY = 5_000
PATIENT = DestinationSettings(max_attempts=1_000, min_backoff_s=5, max_backoff_s=10, disable_after_s=86_400)


def test_few_are_read_to_find_out_whether_a_place_is_back(log: Log) -> None:
    """A dead place is not handed a thousand events for each request it fails; once it is back it is again."""
    fill(log, range(1, MANY + 1))
    place = Resting()
    timing = deliver(log, place, lambda: len(place.sizes) > 20, settings=PATIENT)
    assert place.sizes[0] == 1_000
    assert max(place.sizes[1:]) <= 20
    place.be_well()
    began, tries = timing.elapsed_s, len(place.sizes)
    deliver(log, place, lambda: state_of(log).delivered == MANY, timing=timing, settings=PATIENT)
    assert sorted(place.arrived) == list(range(1, MANY + 1))
    assert max(place.sizes) == 1_000
    assert len(place.sizes) - tries < 25
    assert timing.elapsed_s - began < 30


def test_of_what_waits_few_are_read_for_that(log: Log) -> None:
    """The same holds for those that failed before, of which there may be thousands too."""
    fill(log, range(1, 501))
    place = Resting()
    place.rest = Retry(reason="down")
    deliver(log, place, lambda: state_of(log).retrying == 500, settings=PATIENT)
    place.rest = Resting.rest
    place.sizes.clear()
    timing = deliver(log, place, lambda: len(place.sizes) > 10, settings=PATIENT)
    assert max(place.sizes) <= 10  # it is known of the process before that it takes nothing
    place.be_well()
    deliver(log, place, lambda: state_of(log).delivered == 500, timing=timing, settings=PATIENT)
    assert max(place.sizes) == 100


def test_a_place_that_failed_before_is_begun_with_few(log: Log) -> None:
    """A restart finds out first whether it takes anything now, and makes no rows of a thousand events."""
    fill(log, range(1, MANY + 1))
    log.subscription("place").report_failure("down", now=START)
    place = Resting()
    place.rest = Retry(reason="down")
    deliver(log, place, lambda: len(place.sizes) >= 1, settings=PATIENT)
    assert 0 < state_of(log).retrying <= 20


def test_of_a_slow_place_no_more_is_read_than_it_takes(log: Log) -> None:
    """Who takes a few at a time is not handed a thousand each time, and nothing waits for that."""
    fill(log, range(1, 2_001))
    place = Resting()
    place.most, place.rest = 100, Unsent()
    place.script = lambda delivery: DELIVERED
    timing = deliver(log, place, lambda: state_of(log).delivered == 2_000)
    assert place.arrived == list(range(1, 2_001))
    assert set(place.sizes[1:-2]) <= set(range(200, 401))
    assert timing.elapsed_s < 1


def test_rows_that_nobody_was_asked_about_stay_as_they_are(log: Log) -> None:
    """An event that waits keeps its attempts over any number of rests."""
    fill(log, [1])
    recorder = Recorder()
    timing = ManualTiming()
    recorder.script = lambda d: (
        Retry(reason="busy") if d.attempt == 1 else Unsent(rest_s=60, reason="breaker")
    )
    deliver(log, recorder, lambda: len(recorder.attempts) > 5, timing=timing)
    assert {attempt for _, attempt in recorder.attempts[1:]} == {2}
    recorder.script = lambda d: DELIVERED
    deliver(log, recorder, lambda: state_of(log).delivered == 1, timing=timing)
    assert recorder.attempts[-1] == (1, 2)
    assert state_of(log).failing_since is None


def test_one_that_waits_for_another_holds_no_third(log: Log) -> None:
    """An event behind another one has a row of its own; the rest of the log goes on, and nothing fails."""
    fill(log, range(1, 5))
    recorder = Recorder()
    recorder.script = by_position({2: Behind(reason="waits for an earlier one", after_s=5)})  # type: ignore[assignment]
    timing = deliver(log, recorder, lambda: state_of(log).position == 4)
    assert (recorder.arrived, state_of(log).retrying) == ([1, 3, 4], 1)
    recorder.script = lambda delivery: DELIVERED
    deliver(log, recorder, lambda: state_of(log).delivered == 4, timing=timing)
    assert recorder.attempts[-1] == (2, 1)


def test_a_page_of_nothing_but_waiters_is_no_failure(log: Log) -> None:
    """Where all of a page waits for earlier events, the place is not left alone for that."""
    fill(log, [1])
    recorder = Recorder()
    recorder.script = by_position({1: Behind(reason="waits", after_s=1_000)})  # type: ignore[assignment]
    timing = deliver(log, recorder, lambda: state_of(log).position == 1)
    fill(log, [2])
    deliver(log, recorder, lambda: recorder.arrived == [2], timing=timing)
    assert timing.elapsed_s < 5


@pytest.mark.parametrize("ordered", [True, False])
def test_filtered_by_content(log: Log, ordered: bool) -> None:
    """What a destination does not ask for is counted as filtered, not as delivered."""
    fill(log, range(1, 6))
    recorder = Recorder(ordered=ordered)
    recorder.script = by_position({2: FILTERED, 4: FILTERED})  # type: ignore[assignment]
    deliver(log, recorder, lambda: state_of(log).position == 5)
    assert (state_of(log).delivered, state_of(log).filtered) == (3, 2)


def test_a_waiting_event_that_is_asked_for_no_longer(log: Log) -> None:
    """What waits and is filtered when its time comes is counted as filtered."""
    fill(log, [1, 2])
    recorder = Recorder()
    recorder.script = lambda d: Retry(reason="busy") if d.position == 1 and d.attempt == 1 else DELIVERED
    timing = deliver(log, recorder, lambda: state_of(log).retrying == 1)
    recorder.script = lambda d: FILTERED
    deliver(log, recorder, lambda: state_of(log).retrying == 0, timing=timing)
    assert (state_of(log).delivered, state_of(log).filtered) == (1, 1)


@pytest.mark.parametrize("ordered", [True, False])
def test_a_place_that_is_gone_pauses_its_destination(log: Log, ordered: bool) -> None:
    """Nothing is sent any more, nothing is lost, the reason is shown; a resume begins where it stopped."""
    fill(log, range(1, 6))
    recorder = Recorder(ordered=ordered)
    gone = Gone(reason="answered 410 Gone")
    recorder.script = by_position(dict.fromkeys((3, 4, 5), gone))  # type: ignore[assignment]
    timing = ManualTiming()
    deliver(log, recorder, lambda: timing.elapsed_s > 100, timing=timing)
    state = state_of(log)
    assert recorder.arrived == [1, 2]
    assert len(recorder.pages) == 1
    assert (state.paused, state.last_error, state.position, state.dead) == (True, gone.reason, 2, 0)
    log.subscription("place").pause(False)
    recorder.script = lambda delivery: DELIVERED
    deliver(log, recorder, lambda: state_of(log).delivered == 5, timing=timing)
    assert recorder.arrived == [1, 2, 3, 4, 5]
    assert (state_of(log).failing_since, recorder.attempts[-1]) == (None, (5, 1))


def test_a_waiting_event_finds_the_place_gone(log: Log) -> None:
    """A retry that is answered so pauses too; the event keeps its place and its attempts."""
    fill(log, [1])
    recorder = Recorder()
    recorder.script = lambda d: Retry(reason="busy") if d.attempt == 1 else Gone(reason="410")
    timing = ManualTiming()
    deliver(log, recorder, lambda: timing.elapsed_s > 100, timing=timing)
    assert (state_of(log).paused, state_of(log).retrying, len(recorder.attempts)) == (True, 1, 2)


def test_a_replay_rests_too(log: Log) -> None:
    """What a replay could not send stays with it, attempts and all, until the rest is over."""
    fill(log, range(1, 6))
    recorder = Few()
    deliver(log, recorder, lambda: state_of(log).delivered == 5)
    recorder.rest = Unsent(rest_s=30, reason="come later")
    log.subscription("place").request_replay(1, 5)
    timing = deliver(log, recorder, lambda: not log.subscription("place").replays())
    assert recorder.arrived[5:] == [1, 2, 3, 4, 5]
    assert {attempt for _, attempt in recorder.attempts} == {1}
    assert timing.elapsed_s >= 30


def test_a_rest_is_no_failure(log: Log) -> None:
    """A destination that keeps its own pace is running all the time, for whoever listens."""
    fill(log, range(1, 11))
    recorder = Few()
    recorder.rest = Unsent(rest_s=5)
    heard: list[str] = []
    stop = catalogue.DESTINATION_STATE_CHANGED.subscribe(lambda change: heard.append(change.state))
    try:
        timing = deliver(log, recorder, lambda: state_of(log).delivered == 10)
    finally:
        stop()
    assert timing.elapsed_s >= 15
    assert heard == ["running", "stopped"]


def test_a_destination_that_does_nothing_is_not_asked_without_end(log: Log) -> None:
    """Handed events that it leaves all, it is asked about once a second."""
    fill(log, [1, 2])
    recorder = Few()
    recorder.most = 0
    timing = ManualTiming()
    deliver(log, recorder, lambda: timing.elapsed_s > 30, timing=timing)
    assert 25 <= len(recorder.pages) <= 35
