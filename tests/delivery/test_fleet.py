"""The fleet: destinations come, change and go while the engine runs; one that is slow or gone touches no other."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from typing import Any

import pytest

from tests.delivery.tools import Recorder, Rows, fill
from trackside.config.settings import LogSettings
from trackside.delivery.fleet import DELETED, Fleet
from trackside.destinations.base import DELIVERED, Destination, DestinationSettings, Gone, Outcome, Retry
from trackside.errors import ConfigurationError, StorageError
from trackside.log.base import Log, SubscriptionState
from trackside.log.memory import MemoryLog


class ManySettings(DestinationSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of a kind of which there may be thousands."""

    many = True


class Yard:
    """A fleet at work, and what it made."""

    def __init__(self, log: Log, rows: Rows, fixed: Mapping[str, Destination] | None = None) -> None:
        self.log = log
        self.rows = rows
        self.made: list[tuple[str, Recorder]] = []
        self.script: Callable[[Any], Outcome] | None = None
        self.fleet = Fleet(
            log,
            {name: (place, DestinationSettings()) for name, place in (fixed or {}).items()},
            declarations=rows,
            build=self._build,
        )

    def _build(self, name: str, settings: DestinationSettings) -> Destination:
        if name == "wrong":
            raise ConfigurationError("url is none")
        recorder = Recorder()
        if self.script is not None:
            recorder.script = self.script
        self.made.append((name, recorder))
        return recorder

    def arrived(self, name: str) -> list[int]:
        """Return what arrived at all the destinations that were made of a name."""
        return [position for each, recorder in self.made if each == name for position in recorder.arrived]

    async def soon(self, condition: Callable[[], bool]) -> None:
        """Let the fleet work until it holds."""
        async with asyncio.timeout(20):
            while not condition():
                self.fleet.nudge()
                self.fleet._changed.set()  # its second is over
                await asyncio.sleep(0.005)


@pytest.fixture
def log() -> Iterator[MemoryLog]:
    memory = MemoryLog(LogSettings())
    yield memory
    memory.close()


def run(yard: Yard, scenario: Callable[[Yard], Coroutine[Any, Any, None]]) -> None:
    """Let the scenario happen while the fleet works."""

    async def both() -> None:
        running = asyncio.create_task(yard.fleet.run(grace_s=lambda: 5.0))
        try:
            await scenario(yard)
        finally:
            yard.fleet.stop()
            await running

    asyncio.run(both())


def state_of(log: Log, name: str) -> SubscriptionState:
    """Return the state of a destination; an empty one before it has begun."""
    return log.subscription_states().get(name) or SubscriptionState(name=name, start=0, position=0)


def accounted(log: Log, name: str) -> bool:
    """Return whether everything in the log has its place in the account of `name`."""
    state = state_of(log, name)
    done = state.delivered + state.filtered + state.retrying + state.dead
    return state.position == log.bounds().last and state.position - state.start == done


def test_a_destination_that_is_declared_later_begins_then(log: MemoryLog) -> None:
    """It gets what its start says; those there before go on."""

    async def scenario(yard: Yard) -> None:
        fill(log, [1])
        await yard.soon(lambda: yard.arrived("one") == [1])
        yard.rows.now = {**yard.rows.now, "two": ManySettings(start="latest")}
        await yard.soon(lambda: "two" in log.subscriptions())
        fill(log, [2])
        await yard.soon(lambda: yard.arrived("one") == [1, 2] and yard.arrived("two") == [2])

    run(Yard(log, Rows(one=ManySettings())), scenario)


def test_changed_settings_make_a_new_destination_from_where_it_was(log: MemoryLog) -> None:
    """Nothing is sent twice or left out; the old one is closed."""

    async def scenario(yard: Yard) -> None:
        fill(log, [1, 2])
        await yard.soon(lambda: yard.arrived("one") == [1, 2])
        yard.rows.now = {"one": ManySettings(max_attempts=2)}
        await yard.soon(lambda: len(yard.made) == 2)
        assert yard.made[0][1].closed == 1
        fill(log, [3])
        await yard.soon(lambda: yard.made[1][1].arrived == [3])

    run(Yard(log, Rows(one=ManySettings())), scenario)


def test_28_what_waits_is_tried_with_the_new_settings(log: MemoryLog) -> None:
    """Fault 28: an edited destination takes over the retries of before."""
    yard = Yard(log, Rows(one=ManySettings(min_backoff_s=0.1, max_backoff_s=0.1)))
    yard.script = lambda delivery: Retry(reason="503", after_s=0.1) if delivery.position == 1 else DELIVERED

    async def scenario(yard: Yard) -> None:
        fill(log, [1, 2])
        await yard.soon(lambda: state_of(log, "one").retrying == 1)
        yard.script = None
        yard.rows.now = {"one": ManySettings(min_backoff_s=0.2)}
        await yard.soon(lambda: yard.arrived("one") == [2, 1])
        await yard.soon(lambda: accounted(log, "one"))
        assert state_of(log, "one").delivered == 2

    run(yard, scenario)


def test_28_disabled_keeps_its_place_and_deleted_cancels(log: MemoryLog) -> None:
    """Fault 28: disabled sends nothing and goes on later; what waited at a deleted one is seen as dead letters."""
    yard = Yard(log, Rows(one=ManySettings()))
    yard.script = lambda delivery: Retry(reason="503", after_s=60) if delivery.position == 1 else DELIVERED

    async def scenario(yard: Yard) -> None:
        fill(log, [1, 2])
        await yard.soon(lambda: state_of(log, "one").retrying == 1)
        yard.rows.now = {"one": ManySettings(enabled=False)}
        await yard.soon(lambda: yard.made[0][1].closed == 1)
        fill(log, [3])
        yard.rows.now = {"one": ManySettings()}
        await yard.soon(lambda: yard.arrived("one") == [2, 3])
        yard.rows.now = {}
        await yard.soon(lambda: state_of(log, "one").dead == 1)
        assert log.subscription("one").dead_letters()[0].reason == DELETED
        fill(log, [4])
        await asyncio.sleep(0.05)
        assert yard.arrived("one") == [2, 3]

    run(yard, scenario)


def test_settings_that_nothing_can_be_made_of_are_told(log: MemoryLog) -> None:
    """The reason stands in its state; the others go on; mended settings are taken."""

    async def scenario(yard: Yard) -> None:
        fill(log, [1])
        await yard.soon(lambda: yard.arrived("one") == [1])
        await yard.soon(lambda: state_of(log, "wrong").last_error == "url is none")
        yard.rows.now = {"one": yard.rows.now["one"]}
        fill(log, [2])
        await yard.soon(lambda: yard.arrived("one") == [1, 2])

    run(Yard(log, Rows(one=ManySettings(), wrong=ManySettings())), scenario)


def test_rows_that_cannot_be_read_change_nothing(log: MemoryLog) -> None:
    """The fleet goes on with what it had, also with those of the file."""
    fixed = Recorder()

    async def scenario(yard: Yard) -> None:
        fill(log, [1])
        await yard.soon(lambda: yard.arrived("one") == [1])
        yard.rows.broken = True
        fill(log, [2])
        await yard.soon(lambda: yard.arrived("one") == [1, 2] and fixed.arrived == [1, 2])
        yard.rows.broken = False

    run(Yard(log, Rows(one=ManySettings()), {"fixed": fixed}), scenario)


def test_the_file_does_not_wait_for_the_rows(log: MemoryLog) -> None:
    """Rows that cannot be read at the start hold up nobody; they follow when they can be."""
    fixed = Recorder()
    rows = Rows(one=ManySettings())
    rows.broken = True

    async def scenario(yard: Yard) -> None:
        fill(log, [1])
        await yard.soon(lambda: fixed.arrived == [1])
        assert yard.made == []
        rows.broken = False
        await yard.soon(lambda: yard.arrived("one") == [1])

    run(Yard(log, rows, {"fixed": fixed}), scenario)


def test_the_file_comes_first(log: MemoryLog) -> None:
    """A row of a name that the file has is not used."""
    fixed = Recorder()

    async def scenario(yard: Yard) -> None:
        fill(log, [1])
        await yard.soon(lambda: fixed.arrived == [1])
        assert yard.made == []

    run(Yard(log, Rows(fixed=ManySettings()), {"fixed": fixed}), scenario)


def test_one_that_is_gone_is_told_to_the_rows(log: MemoryLog) -> None:
    """It is paused, and its declaration knows why."""
    yard = Yard(log, Rows(one=ManySettings()))
    yard.script = lambda _: Gone(reason="answered 410 Gone")

    async def scenario(yard: Yard) -> None:
        fill(log, [1])
        await yard.soon(lambda: yard.rows.given_up == [("one", "answered 410 Gone")])
        assert state_of(log, "one").paused

    run(yard, scenario)


def test_a_pause_and_a_resume_by_others_are_heeded(log: MemoryLog) -> None:
    """Told by the state of all; what came meanwhile is sent then."""

    async def scenario(yard: Yard) -> None:
        fill(log, [1])
        await yard.soon(lambda: yard.arrived("one") == [1])
        log.subscription("one").pause(True)
        await asyncio.sleep(0.05)
        await yard.soon(lambda: True)
        await asyncio.sleep(0.05)
        fill(log, [2])
        await asyncio.sleep(0.05)
        assert yard.arrived("one") == [1]
        log.subscription("one").pause(False)
        await yard.soon(lambda: yard.arrived("one") == [1, 2])

    run(Yard(log, Rows(one=ManySettings())), scenario)


def test_those_that_nothing_is_for_move_along(log: MemoryLog) -> None:
    """Hundreds that want another name are up to date without being woken, and their account is right."""
    idle = {f"idle{n}": ManySettings(events=(f"other.{n}",)) for n in range(300)}

    async def scenario(yard: Yard) -> None:
        fill(log, range(50))
        await yard.soon(lambda: all(accounted(log, name) for name in [*idle, "busy"]))
        assert state_of(log, "idle7").filtered == 50
        assert yard.arrived("busy") == list(range(1, 51))

    run(Yard(log, Rows(busy=ManySettings(), **idle)), scenario)


def test_steps_that_could_not_be_kept_are_kept_later(log: MemoryLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """The account is right also where the disk was full for a while."""
    original = log.advance_all
    fails = 6

    def advance_all(*args: Any, **options: Any) -> None:
        nonlocal fails
        if fails > 0 and threading.current_thread() is not threading.main_thread():
            fails -= 1
            raise StorageError("the disk is full")
        original(*args, **options)

    monkeypatch.setattr(log, "advance_all", advance_all)

    async def scenario(yard: Yard) -> None:
        fill(log, range(20))
        await yard.soon(lambda: fails == 0)
        fill(log, range(20, 30))
        await yard.soon(lambda: accounted(log, "one") and accounted(log, "idle"))
        assert sorted(set(yard.arrived("one"))) == list(range(1, 31))

    run(Yard(log, Rows(one=ManySettings(), idle=ManySettings(events=("no",)))), scenario)
