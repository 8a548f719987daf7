"""The fleet: destinations come, change and go while the engine runs; one that is slow or gone touches no other."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import pytest

from tests.delivery.tools import Recorder, Rows, fill
from trackside.config.settings import LogSettings
from trackside.delivery.fleet import DELETED, Fleet
from trackside.destinations.base import (
    DELIVERED,
    Delivery,
    Destination,
    DestinationSettings,
    Gone,
    Outcome,
    Retry,
)
from trackside.errors import ConfigurationError, StorageError
from trackside.log.base import Log
from trackside.log.memory import MemoryLog
from trackside.log.memory_subscription import MemorySubscription
from trackside.log.subscription import Subscription, SubscriptionState
from trackside.telemetry import catalogue


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
        self.first: dict[str, Recorder] = {}
        """What is made of a name at first, where it is not the usual."""
        self.fleet = Fleet(
            log,
            {name: (place, DestinationSettings()) for name, place in (fixed or {}).items()},
            declarations=rows,
            build=self._build,
        )

    def _build(self, name: str, settings: DestinationSettings) -> Destination:
        if name == "wrong":
            raise ConfigurationError("url is none")
        if name == "odd":
            raise PermissionError("/a/key.pem")
        recorder = self.first.pop(name, None) or Recorder()
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
        await yard.soon(lambda: state_of(log, "one").delivered == 2)  # noted after it arrived

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


@pytest.mark.slow
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


class Hanging(Recorder):
    """A destination whose `send` ends when a test lets it."""

    def __init__(self) -> None:
        super().__init__()
        self.sending, self.may_end = asyncio.Event(), asyncio.Event()

    async def send(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        """Take everything, in the end."""
        self.sending.set()
        await self.may_end.wait()
        return await super().send(deliveries)


def test_settings_that_come_back_while_a_send_hangs_are_those_of_a_new_worker(log: MemoryLog) -> None:
    """Disabled and enabled again before the old worker could end: it is followed by one that goes on."""
    hanging = Hanging()
    yard = Yard(log, Rows(one=ManySettings()))
    yard.first["one"] = hanging

    async def scenario(yard: Yard) -> None:
        fill(log, [1])
        await yard.soon(hanging.sending.is_set)
        yard.rows.now = {"one": ManySettings(enabled=False)}
        worker = yard.fleet._members["one"].worker
        await yard.soon(lambda: worker is not None and worker._stopping)
        yard.rows.now = {"one": ManySettings()}
        hanging.may_end.set()
        await yard.soon(lambda: hanging.closed == 1)
        fill(log, [2])
        await yard.soon(lambda: yard.arrived("one") == [1, 2])

    run(yard, scenario)


def test_what_nobody_foresaw_in_one_destination_keeps_no_other_from_beginning(log: MemoryLog) -> None:
    """It is told as the reason why that one sends nothing; those after it begin."""
    yard = Yard(log, Rows(odd=ManySettings(), one=ManySettings()))

    async def scenario(yard: Yard) -> None:
        fill(log, [1])
        await yard.soon(lambda: yard.arrived("one") == [1])
        await yard.soon(lambda: state_of(log, "odd").last_error == "raised PermissionError")

    run(yard, scenario)


def waits(log: Log, name: str, subscription: Subscription) -> bool:
    """Return whether an event waits, and is kept so."""
    return state_of(log, name).retrying == 1 and subscription.oldest_waiting() is not None


def test_a_deleted_one_whose_waiting_events_cannot_be_buried_is_tried_again(
    log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waited is seen as dead letters as soon as that can be kept."""
    yard = Yard(log, Rows(one=ManySettings()))
    yard.script = lambda _: Retry(reason="503", after_s=60)
    original, fails = MemorySubscription.bury_waiting, 3

    def bury_waiting(self: MemorySubscription, reason: str, *, now: datetime) -> int:
        nonlocal fails
        if fails:
            fails -= 1
            raise StorageError("the disk is full")
        return original(self, reason, now=now)

    monkeypatch.setattr(MemorySubscription, "bury_waiting", bury_waiting)

    async def scenario(yard: Yard) -> None:
        fill(log, [1])
        await yard.soon(lambda: waits(log, "one", log.subscription("one")))
        yard.rows.now = {}
        await yard.soon(lambda: state_of(log, "one").dead == 1)

    run(yard, scenario)


def test_one_that_is_deleted_while_it_is_disabled_leaves_nothing_waiting(log: MemoryLog) -> None:
    """It has no worker any more; its waiting events are dead letters all the same."""
    yard = Yard(log, Rows(one=ManySettings()))
    yard.script = lambda _: Retry(reason="503", after_s=60)

    async def scenario(yard: Yard) -> None:
        fill(log, [1])
        await yard.soon(lambda: waits(log, "one", log.subscription("one")))
        yard.rows.now = {"one": ManySettings(enabled=False)}
        await yard.soon(lambda: "one" not in yard.fleet._members)
        yard.rows.now = {}
        await yard.soon(lambda: state_of(log, "one").dead == 1)
        assert log.subscription("one").dead_letters()[0].reason == DELETED

    run(yard, scenario)


def test_a_deleted_one_is_measured_no_longer(log: MemoryLog) -> None:
    """Its last numbers would be told, and complained of, for ever."""
    numbers = [catalogue.DESTINATION_PENDING, catalogue.DESTINATION_RETRYING, catalogue.DELIVERY_LAG_S]

    async def scenario(yard: Yard) -> None:
        fill(log, [1])
        await yard.soon(lambda: yard.arrived("gone") == [1])
        await yard.soon(lambda: all(("gone",) in each.values() for each in numbers))
        yard.rows.now = {}
        await yard.soon(lambda: yard.made[0][1].closed == 1)
        await yard.soon(lambda: not any(("gone",) in each.values() for each in numbers))

    run(Yard(log, Rows(gone=ManySettings())), scenario)
