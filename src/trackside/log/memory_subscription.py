"""A subscription in memory."""

import threading
from collections.abc import Sequence
from datetime import UTC, datetime

from msgspec.structs import replace

from trackside.event import Event, erased
from trackside.log.person import Finder
from trackside.log.subscription import (
    REPLAYS_KEPT,
    DeadLetter,
    Held,
    Progress,
    Replay,
    SubscriptionState,
    Waiting,
)


class MemorySubscription:
    """One destination's place in a MemoryLog."""

    def __init__(self, name: str, start: int, erased_positions: set[int] | None = None) -> None:
        """`erased_positions` are those of the log, which adds to them."""
        self._erased = set() if erased_positions is None else erased_positions
        self._lock = threading.Lock()
        self._waiting: dict[int, Waiting] = {}
        self._dead: dict[int, DeadLetter] = {}
        self._replays: dict[int, Replay] = {}
        self._replay_number = 0
        self._state = SubscriptionState(name=name, start=start, position=start)

    @property
    def name(self) -> str:
        """The destination's name."""
        return self._state.name

    def needed_after(self) -> int:
        """Return the position up to which this subscription needs nothing any more."""
        with self._lock:
            open_ = (each.next - 1 for each in self._replays.values() if each.finished_at is None)
            return min([self._state.position, *open_])

    def state(self) -> SubscriptionState:
        """Return the state now."""
        with self._lock:
            return replace(
                self._state,
                retrying=len(self._waiting),
                dead=len(self._dead),
                next_due_at=min((row.due_at for row in self._waiting.values()), default=None),
                replays=sum(each.finished_at is None for each in self._replays.values()),
                erasures=len(self._erased),
            )

    def advance(self, progress: Progress, *, now: datetime) -> None:
        """Keep `progress`."""
        with self._lock:
            for position in progress.settled:
                self._waiting.pop(position, None)
            for row in progress.waiting:
                event = self._as_kept(row.position, row.event)
                self._waiting[row.position] = replace(row, event=event)
            for letter in progress.dead:
                event = self._as_kept(letter.position, letter.event)
                self._waiting.pop(letter.position, None)
                self._dead[letter.position] = replace(letter, event=event)
            state = self._state
            self._state = replace(
                state,
                position=state.position if progress.position is None else progress.position,
                delivered=state.delivered + progress.delivered,
                filtered=state.filtered + progress.filtered,
                redelivered=state.redelivered + progress.redelivered,
                checkpoint=state.checkpoint if progress.checkpoint is None else progress.checkpoint,
                last_delivered_at=now
                if progress.delivered or progress.redelivered
                else state.last_delivered_at,
            )

    def _as_kept(self, position: int, event: Event) -> Event:
        """Return the event, or what is left of it where it was erased meanwhile."""
        waiting = self._waiting.get(position)
        if waiting is not None:
            return waiting.event
        return erased(event) if position in self._erased else event

    def due(self, now: datetime, limit: int) -> list[Waiting]:
        """Return what waits and is due, oldest due time first."""
        with self._lock:
            due = [row for row in self._waiting.values() if row.due_at <= now]
        return sorted(due, key=lambda row: (row.due_at, row.position))[:limit]

    def next_due_at(self) -> datetime | None:
        """Return when the next waiting event is due."""
        with self._lock:
            return min((row.due_at for row in self._waiting.values()), default=None)

    def oldest_waiting(self) -> Waiting | None:
        """Return what waits at the smallest position."""
        with self._lock:
            return self._waiting[min(self._waiting)] if self._waiting else None

    def waiting_at(self, positions: Sequence[int]) -> list[Waiting]:
        """Return those of these positions that wait."""
        with self._lock:
            return [self._waiting[each] for each in sorted({*positions}) if each in self._waiting]

    def report_failure(self, reason: str | None, *, now: datetime) -> None:
        """Note that the destination takes nothing, or takes events again."""
        with self._lock:
            if reason is None:
                self._state = replace(self._state, failing_since=None)
            else:
                self._state = replace(
                    self._state, failing_since=self._state.failing_since or now, last_error=reason
                )

    def pause(self, paused: bool, *, now: datetime | None = None) -> None:
        """Keep whether an operator wants this destination to rest."""
        with self._lock:
            since = self._state.failing_since
            if since is not None and not paused:
                since = now or datetime.now(UTC)
            self._state = replace(self._state, paused=paused, failing_since=since)

    def dead_letters(self, *, limit: int = 100, after: int = 0) -> list[DeadLetter]:
        """Return dead letters after a position, in order."""
        with self._lock:
            return [self._dead[position] for position in sorted(self._dead) if position > after][:limit]

    def retry_dead(self, positions: Sequence[int] | None, *, now: datetime) -> int:
        """Make dead letters wait again, due now."""
        with self._lock:
            letters = self._take_dead(positions)
            for letter in letters:
                self._waiting[letter.position] = Waiting(
                    position=letter.position, event=letter.event, attempt=0, due_at=now, reason=letter.reason
                )
            return len(letters)

    def bury_waiting(self, reason: str, *, now: datetime) -> int:
        """Make a dead letter of each event that waits."""
        with self._lock:
            count = len(self._waiting)
            for row in self._waiting.values():
                self._dead[row.position] = DeadLetter(
                    position=row.position, event=row.event, attempts=row.attempt, died_at=now, reason=reason
                )
            self._waiting.clear()
            return count

    def erase_of(self, finder: Finder, *, dry_run: bool = False) -> Held:
        """Erase what names a person."""
        with self._lock:
            waiting = [row for row in self._waiting.values() if finder.is_named_by(row.event)]
            dead = [letter for letter in self._dead.values() if finder.is_named_by(letter.event)]
            if not dry_run:
                for row in waiting:
                    self._waiting[row.position] = replace(row, event=erased(row.event))
                self._take_dead([letter.position for letter in dead])
                self._state = replace(self._state, filtered=self._state.filtered + len(dead))
        ids = {row.event.id for row in waiting} | {letter.event.id for letter in dead}
        return Held(len(waiting), len(dead), ids)

    def discard_dead(self, positions: Sequence[int] | None) -> int:
        """Give dead letters up; they count as filtered."""
        with self._lock:
            count = len(self._take_dead(positions))
            self._state = replace(self._state, filtered=self._state.filtered + count)
            return count

    def _take_dead(self, positions: Sequence[int] | None) -> list[DeadLetter]:
        chosen = sorted(self._dead) if positions is None else sorted(set(positions) & self._dead.keys())
        return [self._dead.pop(position) for position in chosen]

    def request_replay(
        self,
        first: int,
        last: int,
        *,
        names: Sequence[str] = (),
        rate_per_s: float = 0.0,
        now: datetime | None = None,
    ) -> int:
        """Ask for events to be sent again; return the request's number."""
        with self._lock:
            asked = tuple(sorted(set(names)))
            at = now or datetime.now(UTC)
            for number, known in self._replays.items():
                if (known.first, known.until, known.names, known.finished_at) == (first, last, asked, None):
                    self._replays[number] = replace(known, rate_per_s=rate_per_s)
                    return number
            self._forget_replays(at)
            self._replay_number += 1
            number = self._replay_number
            if first <= last:
                self._replays[number] = Replay(
                    number=number,
                    first=first,
                    next=first,
                    until=last,
                    names=asked,
                    rate_per_s=rate_per_s,
                    requested_at=at,
                )
            return number

    def _forget_replays(self, now: datetime) -> None:
        self._replays = {
            number: each
            for number, each in self._replays.items()
            if each.finished_at is None
            or each.finished_at >= now - REPLAYS_KEPT
            or (each.given_up and not each.seen)
        }

    def replays(self) -> list[Replay]:
        """Return the unfinished requests, oldest first."""
        with self._lock:
            return [each for each in self._replays.values() if each.finished_at is None]

    def finished_replays(self) -> list[Replay]:
        """Return the finished requests that are remembered, oldest first."""
        with self._lock:
            return [each for each in self._replays.values() if each.finished_at is not None]

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
        """Keep how far a replay is."""
        with self._lock:
            replay = self._replays.get(number)
            if replay is None:
                return
            ended_at = (now or datetime.now(UTC)) if next_position > replay.until else None
            self._replays[number] = replace(
                replay,
                next=next_position,
                redelivered=replay.redelivered + redelivered,
                given_up=replay.given_up + given_up,
                gone=replay.gone + gone,
                reason=reason or replay.reason,
                finished_at=replay.finished_at or ended_at,
            )
            self._state = replace(
                self._state,
                redelivered=self._state.redelivered + redelivered,
                checkpoint=self._state.checkpoint if checkpoint is None else checkpoint,
            )

    def cancel_replay(self, number: int, *, now: datetime) -> bool:
        """End a request where it is."""
        with self._lock:
            replay = self._replays.get(number)
            if replay is None or replay.finished_at is not None:
                return False
            self._replays[number] = replace(replay, finished_at=now, cancelled=True)
            return True

    def note_replays_seen(self) -> None:
        """Note that somebody saw what the finished requests gave up."""
        with self._lock:
            self._replays = {
                number: replace(each, seen=each.finished_at is not None)
                for number, each in self._replays.items()
            }
