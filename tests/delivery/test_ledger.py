"""The ledger: its steps are kept one after the other, whoever keeps them."""

import asyncio

from tests.delivery.tools import ManualTiming, Recorder
from trackside.config.settings import LogSettings
from trackside.delivery.keeping import Note
from trackside.delivery.ledger import Ledger
from trackside.errors import StorageError
from trackside.log.memory import MemoryLog
from trackside.log.subscription import Progress, Subscription


class Slow:
    """Keeps a step when a test lets it, or fails to."""

    def __init__(self) -> None:
        self.may_end = asyncio.Event()
        self.fails = False
        self.kept: list[int | None] = []

    async def keep(self, subscription: Subscription, progress: Progress, note: Note) -> None:
        """Keep the step."""
        await self.may_end.wait()
        if self.fails:
            raise StorageError("the disk is full")
        self.kept.append(progress.position)


def ledger_of(keeping: Slow) -> Ledger:
    """Return a ledger at the log's beginning."""
    subscription = MemoryLog(LogSettings()).subscription("place")
    return Ledger(subscription, Recorder(), ManualTiming(), 0, keeping)


def test_is_not_clean_while_a_step_is_being_kept() -> None:
    """Somebody else's later position, kept before a step that then fails, would let a kill lose what waits in it."""

    async def scenario() -> None:
        keeping = Slow()
        ledger = ledger_of(keeping)
        ledger.pass_through(1, delivered=1, filtered=0)
        keeping.fails = True
        committing = asyncio.create_task(ledger.commit())
        await asyncio.sleep(0)
        assert not ledger.is_clean
        keeping.may_end.set()
        assert not await committing
        assert not ledger.is_clean

    asyncio.run(scenario())


def test_a_step_waits_for_the_one_before() -> None:
    """Also for one that is kept by others: where that fails, it is part of the next."""

    async def scenario() -> None:
        keeping = Slow()
        keeping.may_end.set()
        ledger = ledger_of(keeping)
        async with ledger.step:
            ledger.pass_through(1, delivered=0, filtered=1)
            taken = ledger.take()
            ledger.pass_through(2, delivered=1, filtered=0)
            committing = asyncio.create_task(ledger.commit())
            await asyncio.sleep(0.01)
            assert keeping.kept == []
            ledger.give_back(taken)
        assert await committing
        assert keeping.kept == [2]
        assert ledger.is_clean

    asyncio.run(scenario())
