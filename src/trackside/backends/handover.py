"""From the threads that emit to one that passes on: a queue bounded in bytes that never blocks, and never hides a loss.

The costly part of every backend (a commit, a database, a broker) runs in one thread of the process. Who emits
only appends to a deque: no lock that threads could queue at, no system call while the thread is at work.
"""

import logging
import os
import queue
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from msgspec import Struct

from trackside.backends.exits import call_at_exit, watch_exits
from trackside.backends.losses import Losses
from trackside.telemetry import catalogue

Entry = TypeVar("Entry", bound=tuple[Any, ...])
"""What is handed over. Its first member is about how many bytes it takes in memory."""

QUEUE_BYTES = 67_108_864
LINGER_S = 0.002
"""How long the thread waits for company after the first event: it commits at most every so often, and does not
ask for the interpreter while the request that emitted still computes."""
GROUP_BYTES = 4_194_304
EXIT_TIMEOUT_S = 5.0
BREATHER_EVENTS = 200
LONGEST_BREATHER_S = 0.05
"""Who emits faster than can be written is held up until there is room, but only once in so many events: 99.5 of
100 take microseconds, and the writer gets the interpreter for long enough to catch up."""
FIRST_DELAY_S = 0.1
LONGEST_DELAY_S = 5.0

_GIL = bool(getattr(sys, "_is_gil_enabled", lambda: True)())

logger = logging.getLogger(__name__)


class Delay(Struct, frozen=True):
    """What was handed over could not be passed on now; `again` is called after a wait."""

    reason: str
    """For people: one sentence."""
    again: "Callable[[], Delay | None]"
    after_s: float = 0.0
    """How long to wait at least; it grows with every delay that follows another."""


class Handover(Generic[Entry]):
    """A bounded queue with a thread behind it, which starts with the first entry, and anew in a forked child.

    `deliver` gets entries in their order, in the thread, and returns None once it is done with them (whatever
    became of them), or a `Delay`; then nothing else is delivered until what it holds is done.
    """

    def __init__(
        self,
        name: str,
        deliver: Callable[[Sequence[Entry]], Delay | None],
        *,
        queue_bytes: int = QUEUE_BYTES,
        linger_s: float = LINGER_S,
        group_events: int = 20_000,
        group_bytes: int = GROUP_BYTES,
        exit_timeout_s: float = EXIT_TIMEOUT_S,
        prepare: Callable[[], None] | None = None,
        forked: Callable[[], None] | None = None,
    ) -> None:
        """`name` is the label of counters.

        `prepare` is called by who hands over the first entry, before the thread starts: to import what `deliver`
        needs. A fork while the thread imports would leave the child with a lock that nobody releases.
        `forked` is called in a child that has not run Python's own hooks.
        """
        self.name = name
        self.losses = Losses(name)
        self._deliver = deliver
        self._queue_bytes = queue_bytes
        self._high_water = queue_bytes // 2
        self._linger_s = linger_s
        self._group_events = group_events
        self._group_bytes = group_bytes
        self._exit_timeout_s = exit_timeout_s
        self._prepare = prepare
        self._forked = forked
        self._begin()
        begin = weakref.WeakMethod(self._begin)
        os.register_at_fork(after_in_child=lambda: (call := begin()) and call())
        call_at_exit(self._finish)

    def _begin(self) -> None:
        """Start with nothing: what a parent has not passed on yet is the parent's to pass on."""
        self._pid = os.getpid()
        self._queue: deque[Entry] = deque()
        self._taken_bytes = 0
        self._done_bytes = 0
        self._delay: Delay | None = None
        self._holding = 0
        self._crowded = 0
        self._asleep = True
        self._exiting = False
        self._special = not _GIL or "uwsgi" in sys.modules
        self._counting = threading.Lock()
        self._start = deque((True,))
        # made with the thread: gevent may replace the kinds of lock until then
        self._signal: queue.SimpleQueue[None]
        self._hurry: threading.Event

    def put(self, entry: Entry) -> bool:
        """Hand over; return False, the loss counted, where there is no room. Never waits longer than a moment."""
        if self._special:
            return self._put_specially(entry)
        size = entry[0]
        if self._taken_bytes - self._done_bytes + size > self._high_water and not self._has_room(size):
            return False
        # Neither line can be interrupted by another thread: see telemetry.metrics.
        self._taken_bytes += size
        self._queue.append(entry)
        if self._asleep:
            self._wake()
        return True

    @property
    def is_delayed(self) -> bool:
        """Whether what was handed over could not be passed on at the last attempt."""
        return self._delay is not None

    def hurry(self) -> None:
        """Pass on at once what waits: somebody waits for it."""
        if not self._start:
            self._hurry.set()

    def flush(self, timeout_s: float) -> bool:
        """Return True once all that was handed over before is done with; False after the timeout."""
        wanted = self._taken_bytes
        deadline = time.monotonic() + timeout_s
        self.hurry()
        while self._done_bytes < wanted:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.0005)
        return True

    def _put_specially(self, entry: Entry) -> bool:
        if os.getpid() != self._pid:  # uWSGI forks without telling Python
            self._begin()
            if self._forked is not None:
                self._forked()
        size = entry[0]
        if self._taken_bytes - self._done_bytes + size > self._high_water and not self._has_room(size):
            return False
        with self._counting:
            self._taken_bytes += size
        self._queue.append(entry)
        if self._asleep:
            self._wake()
        if self._exiting or not _threads_run():
            self.flush(self._exit_timeout_s)
        return True

    def _has_room(self, size: int) -> bool:
        self._crowded += 1
        if self._crowded % BREATHER_EVENTS == 0 and self._delay is None:
            self._take_a_breath()
        waiting = self._taken_bytes - self._done_bytes
        if waiting + size <= self._queue_bytes or not waiting:
            return True
        delay = self._delay
        self.losses.add(1, "queue_full", "it takes no more now" if delay is None else delay.reason)
        return False

    def _take_a_breath(self) -> None:
        self.hurry()
        for _ in range(10):
            time.sleep(LONGEST_BREATHER_S / 10)
            if self._taken_bytes - self._done_bytes <= self._high_water:
                break

    def _wake(self) -> None:
        try:
            self._start.pop()
        except IndexError:
            self._asleep = False
            self._signal.put(None)
        else:
            self._start_thread()

    def _start_thread(self) -> None:
        self._signal = queue.SimpleQueue()
        self._hurry = threading.Event()
        self._asleep = False
        watch_exits()
        if self._prepare is not None:
            self._prepare()
        thread = threading.Thread(target=self._run, name=f"trackside-{self.name}", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no more threads may be had, or the interpreter is ending
            while self._queue:
                self._deliver_group(patient=False)
            self._asleep = True
            self._start.append(True)

    def _run(self) -> None:
        pid = self._pid
        while self._pid == pid:
            if not self._queue:
                self._sleep()
            if len(self._queue) < self._group_events and not self._exiting:
                self._hurry.wait(self._linger_s)
            self._hurry.clear()
            self._deliver_group()

    def _sleep(self) -> None:
        catalogue.BACKEND_WAITING_BYTES.set(0, self.name)
        self.losses.report()
        watch_exits()
        self._asleep = True
        # Who appended before it could see this has not woken us.
        if not self._queue:
            self._signal.get()
        self._asleep = False

    def _deliver_group(self, *, patient: bool = True) -> None:
        group, size = self._take()
        self._holding = len(group)
        try:
            self._delay = self._deliver(group) if group else None
            if self._delay is not None and patient:
                self._deliver_again()
            elif self._delay is not None:
                self.losses.add(len(group), "exit", self._delay.reason)
        except Exception as error:
            logger.exception("a backend failed to pass events on")
            self.losses.add(len(group), "refused", type(error).__name__)
        self._delay = None
        self._holding = 0
        self._done_bytes += size

    def _deliver_again(self) -> None:
        delay_s = FIRST_DELAY_S
        while (delay := self._delay) is not None:
            self.losses.delayed(delay.reason)
            self.losses.report()
            catalogue.BACKEND_WAITING_BYTES.set(self._taken_bytes - self._done_bytes, self.name)
            self._hurry.wait(max(delay.after_s, delay_s))
            self._hurry.clear()
            delay_s = min(2 * delay_s, LONGEST_DELAY_S)
            self._delay = delay.again()

    def _take(self) -> tuple[list[Entry], int]:
        group: list[Entry] = []
        size = 0
        take = self._queue.popleft
        try:
            while size < self._group_bytes and len(group) < self._group_events:
                entry = take()
                group.append(entry)
                size += entry[0]
        except IndexError:
            pass
        return group, size

    def _finish(self) -> None:
        """Pass on what waits, as far as that goes in the time there is, and count the rest as lost."""
        self._exiting = self._special = True
        if not self.flush(self._exit_timeout_s):
            delay = self._delay
            lost = len(self._queue) + self._holding
            self.losses.add(lost, "exit", "no time was left" if delay is None else delay.reason)
        self.losses.report(now=True)


def _threads_run() -> bool:
    """Return whether other threads get to run while this one waits for the next request."""
    uwsgi: Any = sys.modules.get("uwsgi")
    return uwsgi is None or "enable-threads" in uwsgi.opt or "threads" in uwsgi.opt
