"""The workers of all destinations that are declared now: they come, change and go while the engine runs."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from msgspec import Struct

from trackside.delivery.declarations import Declarations
from trackside.delivery.feed import Feed
from trackside.delivery.keeping import Together
from trackside.delivery.ledger import Ledger
from trackside.delivery.timing import Timing
from trackside.delivery.worker import DeliveryWorker
from trackside.destinations.base import Destination, DestinationSettings
from trackside.errors import ConfigurationError, StorageError
from trackside.log.base import Log
from trackside.log.subscription import Progress, Subscription, SubscriptionState
from trackside.telemetry import catalogue

logger = logging.getLogger(__name__)

OVERSEE_S = 1.0
"""How often it is looked at what other processes changed: declarations, pauses, dead letters, replays."""
OVERSEEN_PER_S = 2_000
"""… and of how many destinations in a second at the most: to look at one costs some 10 µs."""
DELETED = "the destination was deleted"

Build = Callable[[str, DestinationSettings], Destination]
"""Makes a destination that is not opened. Raises ConfigurationError."""
Declared = Mapping[str, DestinationSettings]


class Member(Struct):
    """A destination that is declared."""

    settings: DestinationSettings
    subscription: Subscription
    worker: DeliveryWorker | None = None
    """None where the destination could not be made of these settings."""
    task: asyncio.Task[None] | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing is done for it any more."""
        return self.task is None or self.task.done()

    @property
    def has_ended(self) -> bool:
        """Whether it had a worker, which is no more: told to stop for settings that have come back meanwhile."""
        return self.task is not None and self.task.done()


class Fleet:
    """Starts a worker for each destination, tells it what others changed, and ends it.

    `fixed` are those of the configuration file; `declarations` may change at any time, and `build` makes them. Where
    both have a name the file's counts. Belongs to one event loop.
    """

    def __init__(
        self,
        log: Log,
        fixed: Mapping[str, tuple[Destination, DestinationSettings]],
        *,
        declarations: Declarations | None = None,
        build: Build | None = None,
        timing: Timing | None = None,
    ) -> None:
        self._log = log
        self._fixed = fixed
        self._declarations = declarations
        self._build = build
        self._timing = timing or Timing()
        self._feed = Feed(log, self._timing)
        self._together = Together(log, self._timing)
        self._members: dict[str, Member] = {}
        self._declared: Declared = {}
        self._gone: set[str] = set()
        """Those that were declared before, and whose waiting events are not buried yet."""
        self._readable = False
        """Nobody is warned of what could not be read yet: a server's database is still starting then."""
        self._reading_alone: list[DeliveryWorker] = []
        self._changed = asyncio.Event()
        self._stopping = False

    def nudge(self) -> None:
        """Wake those who want to know that the log grew. In the fleet's event loop only."""
        self._feed.nudge()
        for worker in self._reading_alone:
            worker.nudge()

    def stop(self) -> None:
        """Let `run` end. In the fleet's event loop only."""
        self._stopping = True
        self._changed.set()

    async def run(self, *, grace_s: Callable[[], float]) -> None:
        """Deliver until `stop`; then sends under way may take `grace_s()` to end."""
        feeding = asyncio.create_task(self._feed.run())
        try:
            while not self._stopping:
                self._changed.clear()
                try:
                    await self._renew()
                    await self._oversee()
                except StorageError:
                    logger.warning("the state of the destinations cannot be read", exc_info=True)
                except Exception:  # the border: those at work go on, and it is tried again
                    logger.exception("the destinations cannot be looked after")
                interval_s = max(OVERSEE_S, len(self._members) / OVERSEEN_PER_S)
                if not self._stopping:
                    await self._timing.wait(self._changed, interval_s)
        finally:
            await self._end(grace_s())
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)

    async def _renew(self) -> None:
        """Have exactly those workers at work that are declared, each with its settings of now."""
        declared = {**await self._rows(), **{name: settings for name, (_, settings) in self._fixed.items()}}
        for name, member in list(self._members.items()):
            if declared.get(name) == member.settings and not member.has_ended:
                continue
            if not member.is_over:
                if member.worker is not None:
                    member.worker.stop()  # its end wakes this fleet, which then begins anew
                continue
            del self._members[name]
        await self._bury(declared)
        new = {
            name: settings
            for name, settings in declared.items()
            if settings.enabled and name not in self._members
        }
        if new:
            await self._begin(new)
        self._reading_alone = [
            member.worker
            for member in self._members.values()
            if member.worker is not None and not member.settings.many
        ]

    async def _bury(self, declared: Declared) -> None:
        """Leave nothing waiting, and no numbers, of those that are declared no more and have no worker any more."""
        for name in self._gone - self._members.keys():
            if name not in declared:
                subscription = await asyncio.to_thread(self._log.subscription, name)
                await asyncio.to_thread(subscription.bury_waiting, DELETED, now=self._timing.now())
                for gauge in catalogue.OF_DESTINATIONS:
                    gauge.remove(name)
            self._gone.discard(name)

    async def _rows(self) -> Declared:
        """Return what is declared beside the file; as long as that cannot be read, what was declared before."""
        if self._declarations is None:
            return {}
        before = self._declared
        try:
            self._declared = await asyncio.to_thread(self._declarations.current)
        except StorageError as error:
            if self._readable:
                logger.warning("the declared destinations cannot be read: %s", error)
            self._readable = False
        else:
            self._readable = True
        if self._declared is not before:
            self._gone |= before.keys() - self._declared.keys()
        return self._declared

    async def _begin(self, new: Declared) -> None:
        subscriptions = await asyncio.to_thread(
            self._log.open_subscriptions, {name: settings.start for name, settings in new.items()}
        )
        states = await asyncio.to_thread(self._log.subscription_states)
        for name, settings in new.items():
            member = self._members[name] = Member(settings, subscriptions[name])
            try:
                destination = self._destination(name, settings)
            except Exception as error:  # noqa: BLE001  # the border: the others begin
                await self._cannot_begin(member, error)
                continue
            self._start(name, member, destination, states[name])

    async def _cannot_begin(self, member: Member, error: Exception) -> None:
        known = isinstance(error, ConfigurationError)
        reason = str(error) if known else f"raised {type(error).__name__}"
        logger.error(
            "destination cannot be made of its settings: %s",
            reason,
            exc_info=None if known else error,
            extra={"destination": member.subscription.name, "reason": reason},
        )
        try:
            await asyncio.to_thread(member.subscription.report_failure, reason, now=self._timing.now())
        except StorageError:
            logger.warning("state of a destination cannot be kept", exc_info=True)

    def _destination(self, name: str, settings: DestinationSettings) -> Destination:
        if name in self._fixed:
            return self._fixed[name][0]
        if self._build is None:
            raise ConfigurationError(f"{name} is declared, and nobody can make it")
        return self._build(name, settings)

    def _start(self, name: str, member: Member, destination: Destination, state: SubscriptionState) -> None:
        many = member.settings.many
        declared = self._declarations if name not in self._fixed else None
        member.worker = DeliveryWorker(
            member.subscription,
            self._log,
            destination,
            member.settings,
            timing=self._timing,
            feed=self._feed if many else None,
            keeping=self._together if many else None,
            overseen=True,
            given_up=None if declared is None else partial(declared.disabled, name),
        )
        member.task = asyncio.create_task(member.worker.run(state))
        member.task.add_done_callback(lambda _: self._changed.set())

    async def _oversee(self) -> None:
        """Tell the workers what others changed; keep how far those are that had nothing to do."""
        read_at_s = self._timing.monotonic()
        states = await asyncio.to_thread(self._log.subscription_states)
        last = (await asyncio.to_thread(self._log.bounds)).last
        idle: list[tuple[DeliveryWorker, Ledger]] = []
        for name, member in self._members.items():
            if member.worker is None or member.is_over or name not in states:
                continue
            member.worker.refreshed(states[name], last, read_at_s=read_at_s)
            if (ledger := member.worker.pass_idle()) is not None:
                idle.append((member.worker, ledger))
        if idle:
            await self._keep(idle)

    async def _keep(self, idle: Sequence[tuple[DeliveryWorker, Ledger]]) -> None:
        """Keep the steps of those that had nothing to do; what cannot be kept is theirs again."""
        taken: list[tuple[Ledger, Progress]] = []
        try:
            for _, ledger in idle:
                await ledger.step.acquire()  # at once: they were clean a moment ago, in this very loop
                taken.append((ledger, ledger.take()))
            await self._together.keep_all([(ledger.subscription, progress) for ledger, progress in taken])
        except Exception:
            for ledger, progress in taken:
                ledger.give_back(progress)
            for worker, _ in idle:
                worker.nudge()  # it writes down by itself what could not be written here
            raise
        finally:
            for ledger, _ in taken:
                ledger.step.release()

    async def _end(self, grace_s: float) -> None:
        tasks = [member.task for member in self._members.values() if member.task is not None]
        for member in self._members.values():
            if member.worker is not None:
                member.worker.stop()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=grace_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
