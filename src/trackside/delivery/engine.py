"""The delivery engine: all destinations' workers, in one thread of the one process that delivers."""

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from trackside.delivery.declarations import Declarations
from trackside.delivery.fleet import Build, Fleet
from trackside.delivery.lock import DeliveryLock
from trackside.delivery.timing import Timing
from trackside.delivery.wakes import Wakes
from trackside.destinations.base import Destination, DestinationSettings
from trackside.errors import LogClosed
from trackside.log.base import Log
from trackside.loops import fast_loop
from trackside.telemetry.catalogue import DESTINATION_DISABLED, DestinationDisabled

logger = logging.getLogger(__name__)

TAKEOVER_S = 1.0
"""How often a process that does not deliver looks whether it could."""
THREADS = 32
"""A destination that hangs in one must not take the others'. They come as they are needed."""
WATCH_S = 0.25
"""How long one wait for new events may last, and with it how late the watching thread sees a stop."""


class DeliveryEngine:
    """Delivers to every destination while this process holds the lock, and waits for the lock otherwise.

    It has a thread and an event loop of its own, so that a destination that blocks never holds up requests.
    Start it after a fork, not before.
    """

    def __init__(
        self,
        log: Log,
        destinations: Mapping[str, tuple[Destination, DestinationSettings]],
        lock_path: Path,
        *,
        declarations: Declarations | None = None,
        build: Build | None = None,
        timing: Timing | None = None,
        tell_disabled: Callable[[DestinationDisabled], object] = lambda notice: None,  # noqa: ARG005
    ) -> None:
        """`declarations` are destinations that come and go while the engine runs; `build` makes them.

        `tell_disabled` is called, in the engine's thread, when a destination is paused by itself; it must be quick.
        """
        self._log = log
        self._tell_disabled = tell_disabled
        self._declarations = declarations
        self._build = build
        self._destinations = {
            name: (destination, settings)
            for name, (destination, settings) in destinations.items()
            if settings.enabled
        }
        self._lock = DeliveryLock(lock_path)
        self._timing = timing or Timing()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._ended = threading.Event()
        self._ready = threading.Event()
        self._grace_s = 10.0
        self._active = False

    @property
    def active(self) -> bool:
        """Whether this process is the one that delivers."""
        return self._active

    def start(self) -> None:
        """Let delivery begin in its thread. Raises StorageError where the log cannot keep subscriptions."""
        self._log.open_subscriptions(
            {name: settings.start for name, (_, settings) in self._destinations.items()}
        )
        self._ended.clear()
        self._ready.clear()
        self._thread = threading.Thread(target=self._run, name="trackside-delivery", daemon=True)
        self._thread.start()
        self._ready.wait()

    def stop(self, grace_s: float = 10.0) -> None:
        """End delivery: sends in flight may finish within `grace_s`; what is then open is sent again later.

        A second call does nothing.
        """
        thread, self._thread = self._thread, None
        if thread is None or self._loop is None or self._stopping is None:
            return
        self._grace_s = grace_s
        self._ended.set()
        self._loop.call_soon_threadsafe(self._stopping.set)
        thread.join(grace_s + 2.0)
        if thread.is_alive():
            logger.error("delivery did not end in time", extra={"grace_s": grace_s})

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=fast_loop()) as runner:
            runner.run(self._deliver())

    async def _deliver(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        self._loop.set_default_executor(
            ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="trackside-delivery")
        )
        self._ready.set()
        if not await self._acquire(self._stopping):
            return
        self._active = True
        end_telling = self._follow_disabled()
        logger.info("this process delivers", extra={"destinations": sorted(self._destinations)})
        try:
            await self._work(self._stopping)
        finally:
            end_telling()
            self._active = False
            self._lock.release()

    def _follow_disabled(self) -> Callable[[], None]:
        """Tell what happens to this engine's destinations, not to those of others in the process; return its end."""
        own = threading.current_thread()

        def heed(notice: DestinationDisabled) -> None:
            if threading.current_thread() is own:
                self._tell_disabled(notice)

        return DESTINATION_DISABLED.subscribe(heed)

    async def _acquire(self, stopping: asyncio.Event) -> bool:
        while not stopping.is_set():
            try:
                if self._lock.acquire():
                    return True
            except OSError:
                logger.exception("the delivery lock cannot be used")
            await self._timing.wait(stopping, TAKEOVER_S)
        return False

    async def _work(self, stopping: asyncio.Event) -> None:
        fleet = Fleet(
            self._log,
            self._destinations,
            declarations=self._declarations,
            build=self._build,
            timing=self._timing,
        )
        running = asyncio.create_task(fleet.run(grace_s=lambda: self._grace_s))
        watcher = threading.Thread(
            target=self._watch, args=(fleet,), name="trackside-delivery-watch", daemon=True
        )
        watcher.start()
        waiting = asyncio.create_task(stopping.wait())
        await asyncio.wait([running, waiting], return_when=asyncio.FIRST_COMPLETED)
        fleet.stop()
        waiting.cancel()
        self._ended.set()
        await running
        await asyncio.to_thread(watcher.join)

    def _watch(self, fleet: Fleet) -> None:
        """Wake the fleet when the log grows: one waiting thread for all of them."""
        end, wakes = 0, Wakes()
        while not self._ended.is_set():
            try:
                if self._log.wait(end, WATCH_S):
                    end = self._log.bounds().last
                    assert self._loop is not None  # noqa: S101  # set before this thread starts
                    self._loop.call_soon_threadsafe(fleet.nudge)
                    self._ended.wait(wakes.rest_s(self._timing.monotonic()))
            except LogClosed:
                return
            except Exception:  # the border: without this thread nothing would be delivered any more
                logger.exception("the log cannot be watched")
                self._ended.wait(TAKEOVER_S)
