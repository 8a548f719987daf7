"""Commits whatever waits together: who arrives during a commit shares the next one.

A thread does it, or the caller itself where it may and that costs less than handing over.
"""

import logging
import os
import queue
import threading
import time
import weakref
from collections.abc import Callable, Sequence

from msgspec import Struct

from trackside.errors import LogBusy, LogClosed
from trackside.event import Batch
from trackside.log.base import Committed, Receipt, Unavailable
from trackside.telemetry import catalogue

_CLOSED = "the log is closed: the process is stopping"

Commit = Callable[[Sequence[Batch]], Sequence[Receipt]]
"""Keeps all batches durably, or none; returns one receipt for each, in their order."""

GROUP_BYTES = 4_194_304
"""A group ends here, so that the first of a long queue does not wait for the last."""
PACE_S = 0.004
"""Between the beginnings of two commits while several requests share each: a sync costs as much CPU time
as taking in several requests, and who waits for company waits no longer than this."""
NOW_BYTES = 1_048_576
"""More than this is left to the thread: the caller would be busy for several milliseconds."""
PATIENCE_S = 0.003
"""Where a commit keeps its caller waiting for the disk for longer than this, on average, the thread takes over."""
TRY_AGAIN_S = 2.0
EVENT_OVERHEAD_BYTES = 256
"""What an event costs in memory beside its body, at least."""

logger = logging.getLogger(__name__)


class _Entry(Struct, frozen=True):
    batches: Sequence[Batch]
    done: Callable[[Sequence[Receipt]], None]
    size_bytes: int
    events: int


class GroupCommit:
    """A bounded queue of batches with a thread behind it that starts with the first batch.

    After a fork the child begins with an empty queue: what waited belongs to the parent, which answers it.
    """

    def __init__(
        self,
        commit: Commit,
        *,
        queue_bytes: int,
        name: str,
        commit_now: Callable[[Sequence[Batch]], Sequence[Receipt] | None] | None = None,
    ) -> None:
        """`commit_now` does as `commit` without waiting for others, or returns None; `commit` itself by default."""
        self._commit = commit
        self._try_commit = commit_now or commit
        self._queue_bytes = queue_bytes
        self._name = name
        self._bytes_per_s = 0.0
        self._begin()
        me = weakref.WeakMethod(self._begin)
        os.register_at_fork(after_in_child=lambda: (begin := me()) and begin())

    def _begin(self) -> None:
        self._lock = threading.Lock()
        # looked up now: gevent may have put its own in the place of it since our import
        self._queue: queue.SimpleQueue[_Entry | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._waiting_bytes = 0
        self._waiting_events = 0
        self._turn = threading.Lock()
        self._waited_s = 0.0
        self._not_now_until = 0.0
        self._closed = getattr(self, "_closed", False)

    @property
    def waiting_events(self) -> int:
        """How many events wait for a commit, or for the end of theirs."""
        return self._waiting_events

    def submit(self, batch: Batch, done: Callable[[Receipt], None]) -> None:
        """Queue the batch; `done` gets its receipt on the thread. Raises LogBusy or LogClosed."""
        self.submit_all((batch,), lambda receipts: done(receipts[0]))

    def submit_all(self, batches: Sequence[Batch], done: Callable[[Sequence[Receipt]], None]) -> None:
        """Queue all batches or none; `done` gets their receipts on the thread. Raises LogBusy or LogClosed."""
        size, events = _measure(batches)
        with self._lock:
            if self._closed:
                raise LogClosed(_CLOSED)
            waiting = self._waiting_bytes + size
            if waiting > self._queue_bytes and self._waiting_bytes:  # alone, even the largest batch may pass
                raise LogBusy(
                    f"{self._waiting_bytes} bytes wait for a commit already",
                    retry_after_s=self._drained_in_s(waiting),
                )
            self._waiting_bytes = waiting
            self._waiting_events += events
            entry = _Entry(batches, done, size, events)
            has_thread = self._thread is not None or self._start_thread()
            if has_thread:
                self._queue.put(entry)
        if not has_thread:
            self._commit_group([entry], size)

    def _start_thread(self) -> bool:
        """Return False where the interpreter is ending and no thread may be had any more: the caller commits."""
        thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        try:
            thread.start()
        except RuntimeError:
            return False
        self._thread = thread
        return True

    def commit_now(self, batches: Sequence[Batch]) -> Sequence[Receipt] | None:
        """Commit in the calling thread and return the receipts; None, with nothing done, where that is not for it.

        It is not where a commit of another thread takes long, where there is much to write, or where the disk
        was slow lately. Raises LogClosed.
        """
        size, events = _measure(batches)
        if size > NOW_BYTES or time.perf_counter() < self._not_now_until:
            return None
        # A commit of the thread is nearly always over sooner; what still waits for the next one is overtaken, or the
        # thread would have to do everything from the first request it was given until a pause in the load.
        if not self._turn.acquire(timeout=PATIENCE_S):
            return None
        try:
            if self._closed:
                raise LogClosed(_CLOSED)
            began = time.perf_counter()
            worked_before = time.thread_time()
            try:
                receipts = self._try_commit(batches)
            except Exception:  # noqa: BLE001  # the thread finds out which of the batches it was, and tells
                return None
            duration_s = time.perf_counter() - began
            self._note_wait(duration_s - (time.thread_time() - worked_before))
        finally:
            self._turn.release()
        if receipts is not None:
            self._report(batches, events, receipts, duration_s)
        return receipts

    def _note_wait(self, waited_s: float) -> None:
        self._waited_s += (waited_s - self._waited_s) / 16
        if self._waited_s > PATIENCE_S:
            self._waited_s = 0.0
            self._not_now_until = time.perf_counter() + TRY_AGAIN_S

    def close(self) -> None:
        """Commit what waits, call every `done`, end the thread; `submit` raises LogClosed from here on."""
        with self._lock:
            self._closed = True
            thread = self._thread
            if thread is not None:
                self._queue.put(None)
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _drained_in_s(self, waiting_bytes: int) -> int:
        if not self._bytes_per_s:
            return 1
        return max(1, min(30, round(waiting_bytes / self._bytes_per_s + 0.5)))

    def _run(self) -> None:
        queue = self._queue
        last = False
        paced_until = 0.0
        while not last:
            entry = queue.get()
            if entry is None:
                return
            if (pause_s := paced_until - time.perf_counter()) > 0:
                time.sleep(pause_s)
            began = time.perf_counter()
            group, size = [entry], entry.size_bytes
            while size < GROUP_BYTES and queue.qsize():
                entry = queue.get()
                if entry is None:
                    last = True
                    break
                group.append(entry)
                size += entry.size_bytes
            self._commit_group(group, size)
            shared = len(group) > 1 or len(entry.batches if entry else ()) > 1
            paced_until = began + PACE_S if shared else 0.0

    def _commit_group(self, group: list[_Entry], size_bytes: int) -> None:
        batches = [batch for entry in group for batch in entry.batches]
        events = sum(entry.events for entry in group)
        with self._turn:
            began = time.perf_counter()
            receipts = self._receipts(batches)
            duration_s = time.perf_counter() - began
        rate = size_bytes / max(duration_s, 1e-6)
        with self._lock:
            self._waiting_bytes -= size_bytes
            self._waiting_events -= events
            self._bytes_per_s = rate if not self._bytes_per_s else 0.9 * self._bytes_per_s + 0.1 * rate
        self._report(batches, events, receipts, duration_s)
        told = 0
        for entry in group:
            start, told = told, told + len(entry.batches)
            try:
                entry.done(receipts[start:told])
            except Exception:
                logger.exception("the receiver of a receipt failed")

    def _report(
        self, batches: Sequence[Batch], events: int, receipts: Sequence[Receipt], duration_s: float
    ) -> None:
        catalogue.LOG_QUEUE_BYTES.set(self._waiting_bytes)
        catalogue.LOG_QUEUE_EVENTS.set(self._waiting_events)
        failure = next((receipt for receipt in receipts if isinstance(receipt, Unavailable)), None)
        if failure is not None:
            catalogue.LOG_UNAVAILABLE.add(1)
            catalogue.LOG_UNAVAILABLE_NOW.send(catalogue.LogUnavailable(reason=failure.reason))
            return
        catalogue.LOG_COMMIT_S.observe(duration_s)
        catalogue.LOG_COMMIT_EVENTS.observe(events)
        if catalogue.LOG_COMMITTED:
            committed = [receipt for receipt in receipts if isinstance(receipt, Committed)]
            catalogue.LOG_COMMITTED.send(
                catalogue.LogCommitted(
                    stored=sum(receipt.stored for receipt in committed),
                    duplicates=sum(receipt.duplicates for receipt in committed),
                    rejects=sum(len(batch.rejects) for batch in batches),
                    last=committed[-1].last,
                    duration_s=duration_s,
                )
            )

    def _receipts(self, batches: list[Batch]) -> Sequence[Receipt]:
        try:
            return self._commit(batches)
        except Exception as error:
            # An engine answers what it expects (disk full, locked) by itself. Here one batch may hold what
            # cannot be stored at all: it must not take its neighbours with it.
            if len(batches) > 1:
                return [receipt for batch in batches for receipt in self._receipts([batch])]
            logger.exception("a batch could not be committed")
            return [Unavailable(f"the batch could not be stored: {type(error).__name__}")]


def _measure(batches: Sequence[Batch]) -> tuple[int, int]:
    """Return about how many bytes the batches take in memory, and how many events they hold."""
    size = events = 0
    for batch in batches:
        count = len(batch.events)
        events += count
        size += max(batch.size_bytes, EVENT_OVERHEAD_BYTES * (count + len(batch.rejects)))
    return size, events
