"""The contracts every log engine keeps.

Positions are whole numbers from 1 upward without gaps: the position of an event is its place in the order of
commits. Everything here is synchronous and may be called from any thread.
"""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from trackside.event import Batch, Event, NameFilter, Reject
from trackside.log.person import Finder
from trackside.log.subscription import Progress, Start, Subscription, SubscriptionState


class Committed(Struct, frozen=True, gc=False):
    """The batch is durable: `stored` events are new, `duplicates` were in the log already, `last` is its end."""

    stored: int
    duplicates: int
    last: int


class Unavailable(Struct, frozen=True, gc=False):
    """Nothing of the batch was kept (disk full, database locked); the sender should come back later."""

    reason: str
    retry_after_s: int = 5


Receipt = Committed | Unavailable


class Page(Struct, frozen=True, gc=False):
    """Events read from the log in order; `positions[i]` belongs to `events[i]`.

    `through` is the last position looked at: everything after the page's start up to it is either here or was
    not asked for (another name), or `gone`. It equals the start where nothing newer exists.
    """

    positions: Sequence[int]
    events: Sequence[Event]
    through: int
    gone: int = 0
    """So many positions right after the start are held no more: retention removed them before this was read."""


class Bounds(Struct, frozen=True, gc=False):
    """What the log holds: the first and last position (both 0 while it is empty) and how many events."""

    first: int
    last: int
    events: int


class StoredReject(Struct, frozen=True, gc=False):
    """A reject with its number; newer ones have greater numbers."""

    number: int
    reject: Reject


class LogStats(Struct, frozen=True, kw_only=True, gc=False):
    """What an operator wants to know of a log; sizes in bytes."""

    engine: str
    size_bytes: int
    """On disk, all of the log's files."""
    event_bytes: int
    """The JSON of the events it holds, before compression."""
    queued_events: int
    rejects: int
    dedup_ids: int
    """How many message ids deduplication remembers now."""
    dedup_since: datetime | None
    """A message id that arrived after this is surely remembered; None: nothing was forgotten yet."""


class Log(Protocol):
    """The durable, ordered record of events."""

    def append(self, batch: Batch, done: Callable[[Receipt], None]) -> None:
        """Take the batch; call `done` once with its receipt, from the log's own thread, after the commit.

        Events whose (source, id) is known from within the deduplication window are not stored again.
        The caller does not touch the batch afterwards. `done` must be quick and not raise.
        Raises LogBusy where the queue is full and LogClosed after `close`; then `done` is never called.
        """
        ...

    def append_all(self, batches: Sequence[Batch], done: Callable[[Sequence[Receipt]], None]) -> None:
        """Take all batches or, raising as `append` does, none; `done` is called once, with a receipt for each.

        For callers that have several at a time: what cannot be stored takes none of the others with it.
        """
        ...

    def commit_now(self, batches: Sequence[Batch]) -> Sequence[Receipt] | None:
        """Make the batches durable in the calling thread; return a receipt for each.

        None where that would mean to wait for somebody else (another writer, a slow disk), or to do much work:
        then nothing was done, and `append_all` is the way. For callers that cannot do anything else meanwhile, as
        an event loop whose clients all wait for their answers: to hand a few events to another thread
        costs more than to store them. Raises LogClosed after `close`.
        """
        ...

    def read(self, after: int, *, limit: int = 500, names: NameFilter | None = None) -> Page:
        """Return up to about `limit` events with positions greater than `after`; rather some more than half a chunk."""
        ...

    def wait(self, after: int, timeout_s: float) -> bool:
        """Return True as soon as the log's end is beyond `after` (by any process), False after the timeout."""
        ...

    def bounds(self) -> Bounds:
        """Return what the log holds now."""
        ...

    def position_at(self, moment: datetime) -> int:
        """Return the position of the last event received before `moment`, or the one before the first held."""
        ...

    def received_at(self, position: int) -> datetime | None:
        """Return about when the event at `position`, or else the first one after it, was received.

        None where there is none. Cheap: it may be off by the time that one stored group of events spans.
        """
        ...

    def rejects(self, *, limit: int = 100, before: int | None = None) -> list[StoredReject]:
        """Return rejects, newest first, those with numbers below `before`."""
        ...

    def find_of(self, finder: Finder, after: int) -> Page:
        """Return some of the events after `after` that name a person; `through` is how far was looked."""
        ...

    def erase(self, positions: Sequence[int]) -> int:
        """Put what `event.erased` leaves in the place of these events; return how many were erased by this call.

        Their positions stay, and so does what deduplication knows of their ids. Safe while others append and read; who
        reads after it returns, in any process, sees none of them.
        """
        ...

    def erased_lately(self) -> Sequence[int]:
        """Return the positions that were erased within the last day or so, in order."""
        ...

    def remove_rejects(self, numbers: Collection[int]) -> int:
        """Remove these rejects; return how many there were."""
        ...

    def scrub(self) -> bool:
        """Leave nothing in the log's files of what was erased or removed; False where somebody else reads for so long
        that some of it is left until they are done.
        """
        ...

    def stats(self) -> LogStats:
        """Return sizes and counts for status pages and metrics."""
        ...

    def subscription(self, name: str, *, start: Start = "earliest") -> Subscription:
        """Return the subscription of that name, made with `start` where it is new."""
        ...

    def subscriptions(self) -> list[str]:
        """Return the names of all subscriptions ever made, sorted."""
        ...

    def open_subscriptions(self, starts: Mapping[str, Start]) -> dict[str, Subscription]:
        """Return the subscriptions of these names, new ones made as `subscription` makes them; all or none."""
        ...

    def subscription_states(self) -> dict[str, SubscriptionState]:
        """Return the states of all subscriptions ever made, of one moment, by name."""
        ...

    def advance_all(self, steps: Sequence[tuple[Subscription, Progress]], *, now: datetime) -> None:
        """Keep several steps of this log's subscriptions together, as `advance` does; all or none."""
        ...

    def maintain(self, now: datetime, *, holding: Collection[str] | None = None) -> None:
        """Apply retention, merge small chunks, give space back; short steps, safe while others append.

        Events that a subscription has not passed yet are kept, however old; with `holding` only those of these
        names count, so that a destination that is configured no more does not keep the log for ever.
        """
        ...

    def close(self) -> None:
        """Commit what was taken, call every `done`, release the files. A second call does nothing."""
        ...


def append_and_wait(log: Log, batch: Batch, *, timeout_s: float = 30.0) -> Receipt:
    """Append `batch` and return its receipt after the commit; Unavailable where that takes longer than allowed."""
    finished = threading.Event()
    receipts: list[Receipt] = []

    def done(receipt: Receipt) -> None:
        receipts.append(receipt)
        finished.set()

    log.append(batch, done)
    if not finished.wait(timeout_s):
        return Unavailable(f"no commit within {timeout_s:g} s")
    return receipts[0]
