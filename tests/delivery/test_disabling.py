"""A destination that takes nothing for too long is paused, and somebody is told."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from tests.delivery.tools import START, ManualTiming, Recorder, deliver, fill, state_of
from trackside.config.settings import LogSettings
from trackside.delivery.disabling import why_disable
from trackside.destinations.base import DELIVERED, Delivery, DestinationSettings, Gone, Outcome, Retry
from trackside.errors import DestinationError, StorageError
from trackside.log.base import Log
from trackside.log.memory import MemoryLog
from trackside.telemetry import catalogue

MINUTE_S = 60.0
FIVE_MINUTES = DestinationSettings(
    max_attempts=1_000, min_backoff_s=5, max_backoff_s=20, disable_after_s=5 * MINUTE_S
)


@pytest.fixture
def log() -> Iterator[MemoryLog]:
    memory = MemoryLog(LogSettings())
    yield memory
    memory.close()


@pytest.fixture
def notices() -> Iterator[list[catalogue.DestinationDisabled]]:
    told: list[catalogue.DestinationDisabled] = []
    end = catalogue.DESTINATION_DISABLED.subscribe(told.append)
    yield told
    end()


def down(delivery: Delivery) -> Outcome:
    return Retry(reason="answered 503")


@pytest.mark.parametrize(
    ("failing_for_s", "disable_after_s", "is_disabled"),
    [
        (None, 60.0, False),
        (0.0, 60.0, False),
        (60.0, 60.0, False),
        (61.0, 60.0, True),
        (1e9, 0.0, False),
        (-3_600.0, 60.0, False),
    ],
)
def test_when_it_is_disabled(failing_for_s: float | None, disable_after_s: float, is_disabled: bool) -> None:
    """After more than the time without a success; never where that is 0, nor because a clock was set back."""
    since = None if failing_for_s is None else START - timedelta(seconds=failing_for_s)
    why = why_disable(since, START, disable_after_s=disable_after_s, reason="answered 503")
    assert (why is not None) is is_disabled
    if why is not None:
        assert why == "took nothing since 2026-11-20 11:58 UTC; at last: answered 503"


def test_five_minutes_without_a_success(log: Log, notices: list[catalogue.DestinationDisabled]) -> None:
    """It is paused with its backlog, once, with the reason; a resume gives it all of the time again."""
    fill(log, range(1, 101))
    recorder, timing = Recorder(), ManualTiming()
    recorder.script = down
    deliver(log, recorder, lambda: state_of(log).paused, timing=timing, settings=FIVE_MINUTES)
    assert timing.elapsed_s == pytest.approx(5 * MINUTE_S, abs=40)
    reason = "took nothing since 2026-11-20 12:00 UTC; at last: answered 503"
    assert notices == [catalogue.DestinationDisabled(destination="place", reason=reason)]
    assert (state_of(log).last_error, state_of(log).dead, len(recorder.arrived)) == (reason, 0, 0)
    log.subscription("place").pause(False, now=timing.now())
    began_at = timing.elapsed_s
    deliver(log, recorder, lambda: state_of(log).paused, timing=timing, settings=FIVE_MINUTES)
    assert timing.elapsed_s - began_at == pytest.approx(5 * MINUTE_S, abs=40)
    assert len(notices) == 2
    assert recorder.arrived == []


def test_a_resume_while_it_runs_gives_it_its_time_too(
    log: Log, notices: list[catalogue.DestinationDisabled]
) -> None:
    """The worker that paused it goes on after the resume, and counts from there."""
    fill(log, [1])
    recorder, timing = Recorder(), ManualTiming()
    recorder.script = down
    paused_at: list[float] = []

    def paused_twice() -> bool:
        if len(notices) > len(paused_at):
            paused_at.append(timing.elapsed_s)
            log.subscription("place").pause(False, now=timing.now())
        return len(paused_at) == 2

    deliver(log, recorder, paused_twice, timing=timing, settings=FIVE_MINUTES)
    assert paused_at[1] - paused_at[0] == pytest.approx(5 * MINUTE_S, abs=40)


def test_the_time_is_counted_over_restarts(log: Log, notices: list[catalogue.DestinationDisabled]) -> None:
    """A process that ends every 20 seconds does not begin to count anew: that it opened is no success."""
    fill(log, [1])
    recorder, timing = Recorder(), ManualTiming()
    recorder.script = down

    def ends_at(moment_s: float) -> Callable[[], bool]:
        return lambda: timing.elapsed_s > moment_s

    for restart in range(1, 15):
        deliver(log, recorder, ends_at(20 * restart), timing=timing, settings=FIVE_MINUTES)
        assert notices == []
    deliver(log, recorder, lambda: state_of(log).paused, timing=timing, settings=FIVE_MINUTES)
    assert len(notices) == 1


def test_one_success_begins_the_time_anew(log: Log, notices: list[catalogue.DestinationDisabled]) -> None:
    """Four minutes down, one event taken, four minutes down: it stays in service."""
    fill(log, range(1, 51))
    recorder, timing = Recorder(), ManualTiming()
    recorder.script = lambda delivery: (
        DELIVERED
        if 4 * MINUTE_S < timing.elapsed_s < 4 * MINUTE_S + 60 and delivery.position == 1
        else down(delivery)
    )
    deliver(log, recorder, lambda: timing.elapsed_s > 9 * MINUTE_S, timing=timing, settings=FIVE_MINUTES)
    assert recorder.arrived == [1]
    assert (notices, state_of(log).paused) == ([], False)


def test_without_the_setting_it_goes_on_for_ever(log: Log) -> None:
    fill(log, [1])
    recorder, timing = Recorder(), ManualTiming()
    recorder.script = down
    settings = DestinationSettings(max_attempts=1_000, min_backoff_s=10, max_backoff_s=60)
    deliver(log, recorder, lambda: timing.elapsed_s > 15 * MINUTE_S, timing=timing, settings=settings)
    assert not state_of(log).paused


def test_one_that_cannot_be_opened_is_disabled_too(
    log: Log, notices: list[catalogue.DestinationDisabled]
) -> None:
    """… and rests between the attempts to open it also when it is paused."""
    fill(log, [1])

    class Closed(Recorder):
        async def open(self, checkpoint: str | None) -> None:
            self.opened.append(checkpoint)
            raise DestinationError("url must not be asked")

    closed, timing = Closed(), ManualTiming()
    settings = DestinationSettings(disable_after_s=60)
    deliver(log, closed, lambda: timing.elapsed_s > 200, timing=timing, settings=settings)
    assert len(notices) == 1
    assert state_of(log).paused
    assert len(closed.opened) < 50


def test_gone_is_told_once(
    log: Log, notices: list[catalogue.DestinationDisabled], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A 410 is told as well; where the pause cannot be kept, only when it could."""
    fill(log, [1])
    recorder, timing = Recorder(), ManualTiming()
    recorder.script = lambda _: Gone(reason="answered 410")
    subscription, failures = log.subscription("place"), [1, 2]
    pause = subscription.pause

    def failing(paused: bool) -> None:
        if failures:
            failures.pop()
            raise StorageError("full")
        pause(paused)

    monkeypatch.setattr(subscription, "pause", failing)
    deliver(log, recorder, lambda: state_of(log).paused and timing.elapsed_s > 200, timing=timing)
    assert notices == [catalogue.DestinationDisabled(destination="place", reason="answered 410")]


def test_one_whose_row_cannot_be_changed_is_not_paused_behind_its_back(
    log: Log, notices: list[catalogue.DestinationDisabled]
) -> None:
    """Else it stood still for ever, enabled as its operator sees it: their database may be away just then."""
    fill(log, [1])
    recorder, timing = Recorder(), ManualTiming()
    recorder.script = lambda _: Gone(reason="answered 410")
    paused: list[bool] = []

    def note(reason: str) -> None:
        paused.append(state_of(log).paused)
        if len(paused) < 3:
            raise StorageError("away")

    until = lambda: len(paused) == 3 and state_of(log).paused  # noqa: E731
    deliver(log, recorder, until, timing=timing, given_up=note)
    assert paused == [False] * 3
    assert len(notices) == 1


def test_one_whose_row_was_changed_is_told_although_the_log_cannot_keep_it(
    log: Log, notices: list[catalogue.DestinationDisabled], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its worker ends with the row, and would never come to tell it."""
    fill(log, [1])
    recorder, rows = Recorder(), list[str]()
    recorder.script = lambda _: Gone(reason="answered 410")
    subscription = log.subscription("place")

    def full(paused: bool) -> None:
        raise StorageError(f"full: {paused}")

    monkeypatch.setattr(subscription, "pause", full)
    deliver(log, recorder, lambda: bool(notices), given_up=rows.append)
    assert rows == ["answered 410"]
