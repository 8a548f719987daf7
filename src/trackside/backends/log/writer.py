"""The process's one writer to a log: opens it on first use, makes groups of entries durable, holds what it cannot."""

import os
import struct
import threading
import weakref
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from trackside.backends.handover import QUEUE_BYTES, Delay, Handover
from trackside.backends.log import opening
from trackside.backends.log.entry import Entry, RejectEntry, UnwrittenEntry, to_events, whole_entries
from trackside.backends.log.waiter import Waiter
from trackside.errors import LogBusy, LogClosed, StorageError
from trackside.event import Batch
from trackside.log.base import Committed, Log, Receipt, Unavailable

OpenLog = Callable[[], Log]
COMMIT_TIMEOUT_S = 60.0
_NUMBERS = 2**32
REJECT_QUEUE_BYTES = 1_048_576

_abandoned: list[Log] = []
"""Logs of a parent process, kept so that nothing closes what the parent still uses."""


def _now() -> datetime:
    return datetime.now(UTC)


class LogWriter:
    """Takes the entries of all backends of this process that emit to one log."""

    def __init__(
        self,
        open_log: OpenLog,
        *,
        source: str,
        queue_bytes: int = QUEUE_BYTES,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._open = open_log
        self._source = source
        self._clock = clock
        self._log: Log | None = None
        self._prefix = ""
        self._ids_of = 0
        self._given_ids = 0
        self.handover: Handover[Entry | UnwrittenEntry] = Handover(
            "log", self._deliver, queue_bytes=queue_bytes, prepare=opening.import_engine, forked=self._abandon
        )
        # Of their own, with a thread that begins with the first: who is refused takes no room from events.
        self.rejects: Handover[RejectEntry] = Handover(
            "log_rejects",
            self._deliver_rejects,
            queue_bytes=REJECT_QUEUE_BYTES,
            exit_timeout_s=1.0,
            prepare=opening.import_engine,
            forked=self._abandon,
        )
        abandon = weakref.WeakMethod(self._abandon)
        os.register_at_fork(after_in_child=lambda: (call := abandon()) and call())

    def _abandon(self) -> None:
        """In a forked child: open the log anew, because gevent may be about to replace what the parent's is made of."""
        if self._log is not None:
            _abandoned.append(self._log)
            self._log = None

    def log(self) -> Log:
        """Return the log, opened now where it was not yet. Raises StorageError."""
        with opening.lock:
            if self._log is None:
                self._log = self._open()
            return self._log

    def _deliver(self, given: Sequence[Entry | UnwrittenEntry]) -> Delay | None:
        entries = whole_entries(given, self._lose)
        if not entries:
            return None
        now = self._clock()
        events = to_events(entries, self._source, now, self._make_ids(len(entries)))
        waiters = [entry[6] for entry in entries if entry[6] is not None]
        batch = Batch(events=events, size_bytes=sum(entry[0] for entry in entries))
        return self._append(batch, waiters)

    def _lose(self, error: Exception) -> None:
        self.handover.losses.add(1, "unencodable", f"an event cannot be written: {type(error).__name__}")

    def _deliver_rejects(self, entries: Sequence[RejectEntry]) -> Delay | None:
        batch = Batch(
            rejects=[entry.reject for entry in entries], size_bytes=sum(entry.size_bytes for entry in entries)
        )
        return self._append(batch, ())

    def _append(self, batch: Batch, waiters: Sequence[Waiter]) -> Delay | None:
        try:
            receipt = append(self.log(), batch)
        except (StorageError, LogBusy, LogClosed) as error:
            receipt = Unavailable(str(error), 0)
        if isinstance(receipt, Committed):
            for waiter in waiters:
                waiter.tell(durable=True)
            return None
        return Delay(receipt.reason, lambda: self._append(batch, waiters))

    def _make_ids(self, count: int) -> list[str]:
        """Return so many ids that nobody else has: the process's own 24 digits and the next numbers."""
        first, end = self._given_ids, self._given_ids + count
        if self._ids_of != os.getpid() or end > _NUMBERS:
            self._prefix, self._ids_of = os.urandom(12).hex(), os.getpid()
            first, end = 0, count
        self._given_ids, prefix = end, self._prefix
        # all numbers at once: to format each takes twice as long
        digits = struct.pack(f">{count}I", *range(first, end)).hex()
        return [prefix + digits[at : at + 8] for at in range(0, 8 * count, 8)]


def append(log: Log, batch: Batch) -> Receipt:
    """Return the receipt of `batch`, committed in this thread where that may be, else in the log's own."""
    receipts = log.commit_now((batch,))
    if receipts is not None:
        return receipts[0]
    finished = threading.Event()
    found: list[Receipt] = []

    def done(receipt: Receipt) -> None:
        found.append(receipt)
        finished.set()

    log.append(batch, done)
    if not finished.wait(COMMIT_TIMEOUT_S):
        return Unavailable(f"no commit within {COMMIT_TIMEOUT_S:g} s")
    return found[0]
