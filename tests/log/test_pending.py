"""How old what a destination still has to deal with is."""

from datetime import timedelta

from trackside.log.base import Log
from trackside.log.memory import MemoryLog
from trackside.log.pending import age_s, oldest_pending_at
from trackside.log.subscription import Progress
from trackside.testing.log_values import NOON, append, make_event
from trackside.testing.subscription_contract import dead, waiting


def oldest(log: Log) -> float | None:
    """Return the minute of the oldest that is left."""
    moment = oldest_pending_at(log, log.subscription("crm").state(), log.bounds().last)
    return None if moment is None else (moment - NOON) / timedelta(minutes=1)


def test_the_oldest_pending() -> None:
    """The first behind the position, or what waits; not what is dead."""
    log = MemoryLog()
    subscription = log.subscription("crm")
    assert oldest(log) is None
    append(log, *(make_event(n, received_at=NOON + timedelta(minutes=n)) for n in range(1, 11)))
    assert oldest(log) == 1
    subscription.advance(Progress(position=7, delivered=7), now=NOON)
    assert oldest(log) == 8
    subscription.advance(Progress(waiting=[waiting(3)]), now=NOON)
    assert oldest(log) == 0  # that row's event is of noon
    subscription.advance(Progress(position=10, dead=[dead(3)]), now=NOON)
    assert oldest(log) is None
    log.close()


def test_ages() -> None:
    """Nothing is 0 seconds old, and so is what comes from a clock ahead of ours."""
    assert age_s(NOON, NOON + timedelta(seconds=90)) == 90
    assert (age_s(None, NOON), age_s(NOON + timedelta(hours=1), NOON)) == (0, 0)
