"""The worker: what it sends, in which order, how often, and what it writes down."""

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest

from tests.delivery.tools import ManualTiming, Recorder, deliver, fill, state_of
from trackside.config.settings import LogSettings
from trackside.destinations.base import (
    DELIVERED,
    FILTERED,
    Delivery,
    DestinationSettings,
    Outcome,
    Refused,
    Retry,
)
from trackside.errors import DestinationError, StorageError
from trackside.event import Batch
from trackside.log.base import Log, append_and_wait
from trackside.log.memory import MemoryLog
from trackside.telemetry import catalogue
from trackside.testing.destination_contract import make_event


@pytest.fixture
def log() -> Iterator[MemoryLog]:
    memory = MemoryLog(LogSettings())
    yield memory
    memory.close()


def busy(delivery: Delivery) -> Outcome:
    return Retry(reason="busy")


def test_everything_arrives_in_order(log: Log) -> None:
    """A backlog of several pages is delivered in order, and the position is at its end."""
    fill(log, range(1, 3501))
    recorder = Recorder()
    deliver(log, recorder, lambda: state_of(log).delivered == 3500)
    assert recorder.arrived == list(range(1, 3501))
    assert (state_of(log).position, recorder.closed) == (3500, 1)


def test_what_was_delivered_is_not_sent_again(log: Log) -> None:
    """A second worker goes on where the first stopped, with the note of the first."""
    fill(log, [1, 2])
    deliver(log, Recorder(), lambda: state_of(log).delivered == 2)
    fill(log, [3])
    second = Recorder()
    deliver(log, second, lambda: state_of(log).delivered == 3)
    assert second.arrived == [3]
    assert second.opened == ["2"]


def test_names_that_are_not_asked_for_are_counted(log: Log) -> None:
    """Events of other names are passed and counted as filtered."""
    fill(log, [1, 2])
    recorder = Recorder()
    settings = DestinationSettings(events=("Other*",))
    deliver(log, recorder, lambda: state_of(log).filtered == 2, settings=settings)
    assert recorder.arrived == []


def test_refused_events_are_dead_letters(log: Log) -> None:
    """What is refused is kept as a dead letter; its neighbours go on."""
    fill(log, [1, 2, 3])
    recorder = Recorder(ordered=True)
    recorder.script = lambda d: Refused(reason="no") if d.position == 2 else DELIVERED
    deliver(log, recorder, lambda: state_of(log).position == 3)
    (letter,) = log.subscription("place").dead_letters()
    assert (letter.position, letter.attempts, letter.reason) == (2, 1, "no")
    assert recorder.arrived == [1, 3]


def test_the_lag_is_measured_although_some_are_passed_over(log: Log) -> None:
    """Most pages of some destinations hold events that are not for them."""
    catalogue.DELIVERY_LAG_S.reset()
    fill(log, [1, 2, 3])
    recorder = Recorder(ordered=True)
    recorder.script = lambda d: FILTERED if d.position == 2 else DELIVERED
    timing = deliver(log, recorder, lambda: state_of(log).position == 3)
    age = timing.now() - make_event(3).received_at
    assert catalogue.DELIVERY_LAG_S.value("place") == pytest.approx(age.total_seconds(), abs=1)
    assert (state_of(log).delivered, state_of(log).filtered) == (2, 1)
    catalogue.DELIVERY_LAG_S.reset()


def test_order_is_kept_while_one_waits(log: Log) -> None:
    """An event that must wait holds those behind it, with growing waits, and is sent before them."""
    fill(log, [1, 2, 3])
    recorder = Recorder(ordered=True)
    recorder.script = lambda d: busy(d) if d.position == 2 and d.attempt < 3 else DELIVERED
    timing = deliver(log, recorder, lambda: state_of(log).delivered == 3)
    assert recorder.arrived == [1, 2, 3]
    assert [attempt for position, attempt in recorder.attempts if position == 2] == [1, 2, 3]
    assert 15 <= timing.elapsed_s < 17  # 5 s and 10 s, and nothing else


def test_order_goes_on_behind_a_dead_letter(log: Log) -> None:
    """An event that is never taken dies after its attempts, and those behind it have all of theirs."""
    fill(log, [1, 2, 3])
    recorder = Recorder(ordered=True)
    recorder.script = lambda d: busy(d) if d.position in {1, 2} else DELIVERED
    deliver(log, recorder, lambda: state_of(log).position == 3)
    assert [letter.attempts for letter in log.subscription("place").dead_letters()] == [3, 3]
    assert recorder.arrived == [3]


def test_a_failing_destination_says_so_and_recovers(log: Log) -> None:
    """`failing_since` is set while nothing is taken, with the reason, and gone afterwards."""
    fill(log, [1])
    recorder = Recorder(ordered=True)
    recorder.script = lambda d: Retry(reason="disk full", after_s=1, spends_attempt=False)
    timing = deliver(
        log, recorder, lambda: state_of(log).failing_since is not None and len(recorder.attempts) > 9
    )
    state = state_of(log)
    assert (state.last_error, state.position, state.dead) == ("disk full", 0, 0)
    recorder.script = lambda d: DELIVERED
    deliver(log, recorder, lambda: state_of(log).delivered == 1, timing=timing)
    assert state_of(log).failing_since is None


def test_one_waiting_event_does_not_hold_the_others(log: Log) -> None:
    """Without order, what must wait gets its own time, and the rest goes on."""
    fill(log, range(1, 6))
    recorder = Recorder()
    recorder.script = lambda d: busy(d) if d.position == 2 and d.attempt < 3 else DELIVERED
    deliver(log, recorder, lambda: state_of(log).delivered == 5)
    assert recorder.arrived == [1, 3, 4, 5, 2]
    assert [attempt for position, attempt in recorder.attempts if position == 2] == [1, 2, 3]


def test_retries_end_as_dead_letters_and_start_over_when_asked(log: Log) -> None:
    """After its attempts an event is dead; an operator's retry gives it all of them again."""
    fill(log, [1, 2])
    recorder = Recorder()
    recorder.script = lambda d: busy(d) if d.position == 1 else DELIVERED
    timing = deliver(log, recorder, lambda: state_of(log).dead == 1)
    assert log.subscription("place").dead_letters()[0].attempts == 3
    assert log.subscription("place").retry_dead(None, now=timing.now()) == 1
    recorder.script = lambda d: DELIVERED
    deliver(log, recorder, lambda: state_of(log).delivered == 2, timing=timing)
    assert recorder.attempts[-1] == (1, 1)


def test_a_dead_place_does_not_turn_the_log_into_rows(log: Log) -> None:
    """While nothing is taken only a few events are tried, with rests; all arrive when it is back."""
    fill(log, range(1, 3001))
    recorder = Recorder()
    recorder.script = lambda d: busy(d)
    settings = DestinationSettings(max_attempts=100, min_backoff_s=5, max_backoff_s=60)
    timing = ManualTiming()
    deliver(log, recorder, lambda: timing.elapsed_s > 300, timing=timing, settings=settings)
    assert 1_000 <= state_of(log).retrying <= 1_000 + 10 * 10
    recorder.script = lambda d: DELIVERED
    deliver(log, recorder, lambda: state_of(log).delivered == 3000, timing=timing, settings=settings)
    assert sorted(recorder.arrived) == list(range(1, 3001))


def test_our_own_fault_holds_the_position(log: Log) -> None:
    """Where nobody was asked, nothing waits as a row and no attempt is spent."""
    fill(log, [1, 2])
    recorder = Recorder()
    recorder.script = lambda d: Retry(reason="no network", spends_attempt=False)
    deliver(log, recorder, lambda: len(recorder.attempts) >= 10)
    assert (state_of(log).position, state_of(log).retrying) == (0, 0)
    assert {attempt for _, attempt in recorder.attempts} == {1}


def test_exceptions_are_retries(log: Log) -> None:
    """A destination that raises is tried again; its text, which may hold payloads, is not kept."""
    fill(log, [1])
    recorder = Recorder(ordered=True)
    calls = 0

    def explode() -> None:
        nonlocal calls
        calls += 1
        if calls < 3:
            raise ValueError("secret payload")

    recorder.during = explode
    before = catalogue.DELIVERY_FAILURES.value("place")
    deliver(log, recorder, lambda: state_of(log).delivered == 1)
    assert state_of(log).last_error == "raised ValueError"
    assert catalogue.DELIVERY_FAILURES.value("place") == before + 2


def test_too_few_outcomes_are_retries(log: Log) -> None:
    """A destination that forgets an outcome loses no event."""

    class Forgetful(Recorder):
        async def send(self, deliveries: object) -> list[Outcome]:
            self.pages.append([])
            return [] if len(self.pages) < 2 else [DELIVERED]

    fill(log, [1])
    recorder = Forgetful(ordered=True)
    deliver(log, recorder, lambda: state_of(log).delivered == 1)
    assert state_of(log).last_error == "the destination gave 0 outcomes for 1 events"


def test_a_destination_that_cannot_open_is_tried_again(log: Log) -> None:
    """The reason is kept for the operator until it opens."""

    class Closed(Recorder):
        async def open(self, checkpoint: str | None) -> None:
            self.opened.append(checkpoint)
            if len(self.opened) < 4:
                raise DestinationError("the folder is missing")

    fill(log, [1])
    recorder = Closed()
    deliver(log, recorder, lambda: state_of(log).failing_since is not None)
    assert state_of(log).last_error == "the folder is missing"
    deliver(log, recorder, lambda: state_of(log).delivered == 1)
    assert recorder.closed == len(recorder.opened)


def test_pause_and_resume(log: Log) -> None:
    """A paused destination gets nothing within a second, and everything when it is resumed."""
    fill(log, [1])
    recorder = Recorder()
    log.subscription("place").pause(True)
    timing = ManualTiming()
    deliver(log, recorder, lambda: timing.elapsed_s > 10, timing=timing)
    assert recorder.arrived == []
    log.subscription("place").pause(False)
    deliver(log, recorder, lambda: recorder.arrived == [1], timing=timing)


def test_pause_is_noticed_while_running(log: Log) -> None:
    """A pause by another process is noticed within a second of running."""
    recorder = Recorder()
    timing = ManualTiming()

    def pause_then_append() -> bool:
        if timing.elapsed_s >= 3 and not log.subscription("place").state().paused:
            log.subscription("place").pause(True)
        if timing.elapsed_s >= 5 and log.bounds().last == 0:
            fill(log, [1])
        return timing.elapsed_s > 10

    deliver(log, recorder, pause_then_append, timing=timing)
    assert recorder.arrived == []


@pytest.mark.parametrize("ordered", [True, False])
def test_replay(log: Log, ordered: bool) -> None:
    """A replay sends its events again, once, and leaves the account of first deliveries alone."""
    fill(log, range(1, 2501))
    recorder = Recorder(ordered=ordered)
    deliver(log, recorder, lambda: state_of(log).delivered == 2500)
    log.subscription("place").request_replay(100, 2_300)
    deliver(log, recorder, lambda: not log.subscription("place").replays())
    assert recorder.arrived[2500:] == list(range(100, 2_301))
    state = state_of(log)
    assert (state.delivered, state.redelivered) == (2500, 2_201)


def test_replay_beyond_the_end_ends(log: Log) -> None:
    """A replay of more than the log holds is finished with what there is."""
    fill(log, [1, 2])
    recorder = Recorder()
    deliver(log, recorder, lambda: state_of(log).delivered == 2)
    log.subscription("place").request_replay(2, 1_000)
    deliver(log, recorder, lambda: not log.subscription("place").replays())
    assert recorder.arrived == [1, 2, 2]


@pytest.mark.parametrize("ordered", [True, False])
def test_replay_waits_gives_up_and_goes_on(log: Log, ordered: bool) -> None:
    """In a replay what fails is tried again; what is never taken is passed and makes no second account."""
    fill(log, range(1, 6))
    recorder = Recorder(ordered=ordered)
    deliver(log, recorder, lambda: state_of(log).delivered == 5)

    def script(delivery: Delivery) -> Outcome:
        if delivery.position == 2:
            return Refused(reason="gone")
        return busy(delivery) if delivery.position == 3 and delivery.attempt < 3 else DELIVERED

    recorder.script = script
    log.subscription("place").request_replay(1, 5)
    deliver(log, recorder, lambda: not log.subscription("place").replays())
    assert sorted(recorder.arrived[5:]) == [1, 3, 4, 5]
    assert (state_of(log).redelivered, state_of(log).dead) == (4, 0)


def test_replay_goes_on_after_a_stop(log: Log) -> None:
    """A replay that was interrupted goes on where it was."""
    fill(log, range(1, 3001))
    recorder = Recorder()
    deliver(log, recorder, lambda: state_of(log).delivered == 3000)
    log.subscription("place").request_replay(1, 3000)
    stopped = Recorder()
    stopped.script = lambda d: DELIVERED if d.position <= 500 else Retry(reason="later", after_s=50)
    timing = deliver(log, stopped, lambda: state_of(log).redelivered == 500)
    resumed = Recorder()
    deliver(log, resumed, lambda: not log.subscription("place").replays(), timing=timing)
    assert resumed.arrived == list(range(501, 3001))


def test_a_replay_notes_no_live_event_before_its_position(log: Log) -> None:
    """The note kept with a replay covers no live event whose position is not kept yet."""
    fill(log, [1, 2])
    recorder = Recorder()
    deliver(log, recorder, lambda: state_of(log).delivered == 2)
    subscription = log.subscription("place")
    subscription.request_replay(1, 2)
    fill(log, [3, 4])
    advance_replay = subscription.advance_replay
    seen: list[tuple[int, str | None]] = []

    def watched(number: int, **step: Any) -> None:
        seen.append((state_of(log).delivered, step["checkpoint"]))
        advance_replay(number, **step)

    subscription.advance_replay = watched  # type: ignore[method-assign]
    deliver(log, recorder, lambda: not subscription.replays())
    assert recorder.arrived == [1, 2, 3, 4, 1, 2]
    assert seen == [(4, "6")]


def test_positions_are_written_down_rarely_under_load(log: Log) -> None:
    """Page after page goes out between two commits; the last one is written down as soon as it is idle."""
    fill(log, range(1, 9001))
    recorder = Recorder()
    subscription = log.subscription("place")
    commits: list[int] = []
    advance = subscription.advance

    def counted(progress: object, *, now: object) -> None:
        commits.append(1)
        advance(progress, now=now)  # type: ignore[arg-type]

    subscription.advance = counted  # type: ignore[method-assign]
    deliver(log, recorder, lambda: state_of(log).delivered == 9000)
    assert len(recorder.pages) == 9
    assert len(commits) == 2  # the note after opening, and all nine pages


def test_nothing_is_sent_while_progress_cannot_be_kept(log: Log) -> None:
    """With a full disk under the positions, sending stops until they can be kept; nothing goes twice."""
    fill(log, [1])
    recorder = Recorder()
    subscription = log.subscription("place")
    advance = subscription.advance
    failures = 5

    def failing(progress: object, *, now: object) -> None:
        nonlocal failures
        if recorder.arrived and failures:
            failures -= 1
            if failures == 3:
                fill(log, [2])
            assert recorder.arrived == [1]
            raise StorageError("disk full")
        advance(progress, now=now)  # type: ignore[arg-type]

    subscription.advance = failing  # type: ignore[method-assign]
    deliver(log, recorder, lambda: state_of(log).delivered == 2)
    assert recorder.arrived == [1, 2]


def test_a_note_that_cannot_be_taken_opens_the_destination_again(log: Log) -> None:
    """Where a destination cannot secure what it took, it is opened with its last note and gets it again."""

    class Unsure(Recorder):
        fails = 1

        def checkpoint(self) -> str | None:
            if self.arrived and self.fails:
                self.fails -= 1
                raise OSError("I/O error")
            return super().checkpoint()

    fill(log, [1])
    recorder = Unsure()
    deliver(log, recorder, lambda: state_of(log).delivered == 1)
    assert recorder.arrived == [1, 1]
    assert recorder.opened == [None, "0"]


def test_a_log_that_cannot_be_read_is_read_again(log: Log) -> None:
    """A fault of the log ends with the fault; nothing is skipped and nothing is sent twice."""
    fill(log, [1, 2])
    recorder = Recorder()
    read = log.read
    faults = [sqlite3.OperationalError("locked"), StorageError("disk")]

    def faulty(*args: object, **kwargs: object) -> object:
        if faults:
            raise faults.pop()
        return read(*args, **kwargs)  # type: ignore[arg-type]

    log.read = faulty  # type: ignore[method-assign,assignment]
    deliver(log, recorder, lambda: state_of(log).delivered == 2)
    assert recorder.arrived == [1, 2]


def test_states_are_told(log: Log) -> None:
    """Whoever listens hears of running, waiting, paused and stopped."""
    fill(log, [1])
    recorder = Recorder(ordered=True)
    recorder.script = lambda d: busy(d) if d.attempt == 1 else DELIVERED
    heard: list[tuple[str, str]] = []
    stop = catalogue.DESTINATION_STATE_CHANGED.subscribe(
        lambda change: heard.append((change.before, change.state))
    )
    try:
        deliver(log, recorder, lambda: state_of(log).delivered == 1)
    finally:
        stop()
    assert heard == [
        ("stopped", "running"),
        ("running", "waiting"),
        ("waiting", "running"),
        ("running", "stopped"),
    ]


def test_dead_letters_are_told(log: Log) -> None:
    """Whoever listens hears of each dead letter."""
    append_and_wait(log, Batch(events=[make_event(1)]))
    recorder = Recorder()
    recorder.script = lambda d: Refused(reason="no")
    heard: list[tuple[str, int, str]] = []
    stop = catalogue.EVENT_DEAD_LETTERED.subscribe(
        lambda died: heard.append((died.event_id, died.attempts, died.reason))
    )
    try:
        deliver(log, recorder, lambda: state_of(log).dead == 1)
    finally:
        stop()
    assert heard == [("event-1", 1, "no")]


def test_a_long_send_is_written_down_before_the_next_one(log: MemoryLog) -> None:
    """After a crash only what the last send took goes again."""
    fill(log, range(2_500))
    timing, recorder = ManualTiming(), Recorder()
    kept: list[int] = []

    def during() -> None:
        kept.append(state_of(log).position)
        timing.elapsed_s += 2.0

    recorder.during = during
    deliver(log, recorder, lambda: state_of(log).delivered == 2_500, timing=timing)
    sent = [0, *(page[-1] for page in recorder.pages[:-1])]
    assert len(sent) > 1
    assert kept == sent
