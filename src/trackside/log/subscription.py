"""A subscription: one destination's place in the log, and the contract every engine keeps of it."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Literal, Protocol

from msgspec import Struct

from trackside.event import Event
from trackside.log.person import Finder


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
    erasures: int = 0
    """Another number than before says that events were erased: what was read earlier may not be sent any more."""


class Held(Struct, frozen=True, gc=False):
    """Events of a person that a subscription holds beside the log."""

    waiting: int
    dead: int
    event_ids: Collection[str]


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

    def erase_of(self, finder: Finder, *, dry_run: bool = False) -> Held:
        """Erase the events that name a person where they wait, and give up those among the dead letters.

        What waits keeps its place: it is dealt with, and counted, when it is due. With `dry_run` only count.
        """
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
