"""The contracts every log engine keeps.

Positions are whole numbers from 1 upward without gaps: the position of an event is its place in the order of
commits. Everything here is synchronous and may be called from any thread.
"""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, Protocol

from msgspec import Struct

from trackside.event import Batch, Event, NameFilter, Reject


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


class Waiting(Struct, frozen=True, kw_only=True, gc=False):
    """An event whose delivery failed for now."""

    position: int
    event: Event
    attempt: int
    """How many attempts have failed."""
    due_at: datetime
    reason: str


class DeadLetter(Struct, frozen=True, kw_only=True, gc=False):
    """An event that will not be tried again by itself; kept with its content until somebody decides."""

    position: int
    event: Event
    attempts: int
    died_at: datetime
    reason: str


class Progress(Struct, frozen=True, kw_only=True, gc=False):
    """One step of a subscription, kept in one transaction: all of it or nothing."""

    position: int | None = None
    """Everything up to here is delivered, filtered, waiting or dead. None: unchanged."""
    delivered: int = 0
    filtered: int = 0
    redelivered: int = 0
    """Sent again by a replay; not part of the account of first deliveries."""
    waiting: Sequence[Waiting] = ()
    """Rows to insert, or to replace by position."""
    settled: Sequence[int] = ()
    """Positions that wait no longer, because they were delivered (count them in `delivered`)."""
    dead: Sequence[DeadLetter] = ()
    """Rows to add to the dead letters; a waiting row of the same position goes."""
    checkpoint: str | None = None
    """The destination's own note on how far it is, given back to it when it opens. None: unchanged."""


class SubscriptionState(Struct, frozen=True, kw_only=True, gc=False):
    """Where a destination stands. last of the log - start = delivered + filtered + pending + retrying + dead."""

    name: str
    start: int
    """The position after which this destination began."""
    position: int
    delivered: int = 0
    filtered: int = 0
    redelivered: int = 0
    retrying: int = 0
    dead: int = 0
    paused: bool = False
    failing_since: datetime | None = None
    """Set while the destination takes nothing at all."""
    last_error: str | None = None
    last_delivered_at: datetime | None = None
    checkpoint: str | None = None
    next_due_at: datetime | None = None
    """When the next of what waits is due."""
    replays: int = 0
    """How many requests to send events again are not finished."""


class Replay(Struct, frozen=True, kw_only=True, gc=False):
    """A request to send the events of positions `first` to `until` again, and how far it is."""

    number: int
    first: int
    next: int
    """Everything before it is dealt with."""
    until: int
    names: tuple[str, ...] = ()
    """Globs of the names asked for; empty: all that the destination takes."""
    rate_per_s: float = 0.0
    """Most events a second; 0: no limit but the destination's own."""
    redelivered: int = 0
    given_up: int = 0
    """Events that were refused, or failed as often as the schedule allows."""
    reason: str | None = None
    """Why the last of these was given up."""
    gone: int = 0
    """Positions without an event: removed by retention, or never given."""
    requested_at: datetime
    finished_at: datetime | None = None
    cancelled: bool = False
    seen: bool = False
    """Whether somebody saw what it gave up, after it had finished."""


REPLAYS_KEPT = timedelta(days=7)
"""How long a finished replay is remembered; one that gave events up, also until somebody looked."""


Start = Literal["earliest", "latest"]


class Subscription(Protocol):
    """One destination's place in the log: a position, what waits, what is dead. One worker uses it at a time;
    the commands of an operator (pause, dead letters, replay) may come from other processes at any moment.
    """

    @property
    def name(self) -> str:
        """The destination's name."""
        ...

    def state(self) -> SubscriptionState:
        """Return the state as last committed, by whichever process."""
        ...

    def advance(self, progress: Progress, *, now: datetime) -> None:
        """Keep `progress` durably. Raises StorageError where it cannot; then nothing of it was kept."""
        ...

    def due(self, now: datetime, limit: int) -> list[Waiting]:
        """Return what waits and is due, oldest due time first."""
        ...

    def next_due_at(self) -> datetime | None:
        """Return when the next waiting event is due, or None where nothing waits."""
        ...

    def waiting_at(self, positions: Sequence[int]) -> list[Waiting]:
        """Return those of these positions that wait, in order of position."""
        ...

    def report_failure(self, reason: str | None, *, now: datetime) -> None:
        """Note that the destination takes nothing (`failing_since` stays at its first such moment), or, with
        None, that it takes events again.
        """
        ...

    def pause(self, paused: bool, *, now: datetime | None = None) -> None:
        """Keep whether an operator wants this destination to rest.

        One that is resumed while it fails has been failing since `now`: it has all of its time again before it is
        disabled.
        """
        ...

    def dead_letters(self, *, limit: int = 100, after: int = 0) -> list[DeadLetter]:
        """Return dead letters with a position greater than `after`, in order of position."""
        ...

    def retry_dead(self, positions: Sequence[int] | None, *, now: datetime) -> int:
        """Make dead letters wait again, due now, their attempts forgotten; all of them with None. Return how many."""
        ...

    def bury_waiting(self, reason: str, *, now: datetime) -> int:
        """Make a dead letter of each event that waits: nobody will try it again by itself. Return how many."""
        ...

    def discard_dead(self, positions: Sequence[int] | None) -> int:
        """Give dead letters up for good (they count as filtered); all of them with None. Return how many."""
        ...

    def oldest_waiting(self) -> Waiting | None:
        """Return what waits at the smallest position, due or not; None where nothing waits."""
        ...

    def request_replay(
        self,
        first: int,
        last: int,
        *,
        names: Sequence[str] = (),
        rate_per_s: float = 0.0,
        now: datetime | None = None,
    ) -> int:
        """Ask for the events of these positions to be sent again; return the request's number.

        The same positions and names, asked for while they are being worked on, are the same request; a new rate
        holds from then on. `now` is the present where it is not given.
        """
        ...

    def replays(self) -> list[Replay]:
        """Return the requests that are not finished, oldest first."""
        ...

    def finished_replays(self) -> list[Replay]:
        """Return the requests that ended, cancelled or not, for as long as they are remembered; oldest first."""
        ...

    def advance_replay(
        self,
        number: int,
        *,
        next_position: int,
        redelivered: int,
        checkpoint: str | None,
        given_up: int = 0,
        gone: int = 0,
        reason: str | None = None,
        now: datetime | None = None,
    ) -> None:
        """Keep how far a replay is; the counts are those since the last call. It is finished once
        `next_position` is past its end.
        """
        ...

    def cancel_replay(self, number: int, *, now: datetime) -> bool:
        """End a request where it is; return False where there is no such unfinished one."""
        ...

    def note_replays_seen(self) -> None:
        """Note that somebody saw what the finished requests gave up."""
        ...


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
