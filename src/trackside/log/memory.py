"""The log in memory: for tests and trials; what it holds ends with the process."""

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from trackside.config.settings import LogSettings
from trackside.event import ERASED, Batch, Event, NameFilter, erased
from trackside.log.base import Bounds, Committed, LogStats, Page, Receipt, StoredReject
from trackside.log.group_commit import GroupCommit
from trackside.log.memory_subscription import MemorySubscription
from trackside.log.person import Finder
from trackside.log.subscription import Progress, Start, Subscription, SubscriptionState
from trackside.telemetry import catalogue


def _size_bytes(event: Event) -> int:
    return len(bytes(event.data)) + len(bytes(event.context)) + len(bytes(event.extra)) + 200


class MemoryLog:
    """A Log whose commits are durable for as long as the process lives."""

    def __init__(
        self,
        settings: LogSettings | None = None,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings or LogSettings(engine="memory")
        self._clock = clock
        self._changed = threading.Condition()
        self._removed = 0
        self._events: list[Event] = []
        self._event_bytes = 0
        self._known: dict[tuple[str, str], datetime] = {}
        self._forgotten_until: datetime | None = None
        self._rejects: list[StoredReject] = []
        self._erased: set[int] = set()
        self._reject_number = 0
        self._subscriptions: dict[str, MemorySubscription] = {}
        self._writer = GroupCommit(
            self._commit, queue_bytes=self._settings.queue_bytes, name="trackside-memory-log"
        )

    def append(self, batch: Batch, done: Callable[[Receipt], None]) -> None:
        """Take the batch; `done` is called from the log's thread."""
        self._writer.submit(batch, done)

    def append_all(self, batches: Sequence[Batch], done: Callable[[Sequence[Receipt]], None]) -> None:
        """Take all batches or none; `done` is called from the log's thread with a receipt for each."""
        self._writer.submit_all(batches, done)

    def commit_now(self, batches: Sequence[Batch]) -> Sequence[Receipt] | None:
        """Keep the batches at once; None where others wait already."""
        return self._writer.commit_now(batches)

    def _commit(self, batches: Sequence[Batch]) -> list[Receipt]:
        with self._changed:
            self._forget(self._clock())
            receipts: list[Receipt] = [self._keep(batch) for batch in batches]
            self._changed.notify_all()
            return receipts

    def _keep(self, batch: Batch) -> Committed:
        stored = 0
        now = self._clock()
        for event in batch.events:
            key = (event.source, event.id)
            if key in self._known:
                continue
            self._known[key] = now
            self._events.append(event)
            self._event_bytes += _size_bytes(event)
            stored += 1
        for reject in batch.rejects:
            self._reject_number += 1
            self._rejects.append(StoredReject(self._reject_number, reject))
        del self._rejects[: max(0, len(self._rejects) - self._settings.rejects_kept)]
        return Committed(stored, len(batch.events) - stored, self._last)

    def _forget(self, now: datetime) -> None:
        oldest = now - timedelta(seconds=self._settings.dedup_window_s)
        while self._known:
            key, at = next(iter(self._known.items()))
            if at >= oldest and len(self._known) <= self._settings.dedup_max_ids:
                return
            del self._known[key]
            self._forgotten_until = at

    @property
    def _last(self) -> int:
        return self._removed + len(self._events)

    def read(self, after: int, *, limit: int = 500, names: NameFilter | None = None) -> Page:
        """Return events after `after`, no more than `limit`."""
        with self._changed:
            start = max(after, self._removed)
            window = self._events[start - self._removed : start - self._removed + limit]
        numbered = list(enumerate(window, start + 1))
        through = max(after, start + len(window))
        if names is not None:
            numbered = [(position, event) for position, event in numbered if names.matches(event.name)]
        positions, events = [position for position, _ in numbered], [event for _, event in numbered]
        return Page(positions, events, through, start - after)

    def wait(self, after: int, timeout_s: float) -> bool:
        """Return whether the end is beyond `after`, at the latest when the time is over."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while self._last <= after:
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    return False
                self._changed.wait(remaining)
            return True

    def bounds(self) -> Bounds:
        """Return what the log holds now."""
        with self._changed:
            return Bounds(self._removed + 1 if self._events else 0, self._last, len(self._events))

    def position_at(self, moment: datetime) -> int:
        """Return the position of the last event received before `moment`."""
        with self._changed:
            for index in range(len(self._events) - 1, -1, -1):
                if self._events[index].received_at < moment:
                    return self._removed + index + 1
            return self._removed

    def received_at(self, position: int) -> datetime | None:
        """Return when the event at `position`, or the first one held after it, was received."""
        with self._changed:
            index = max(0, position - self._removed - 1)
            return self._events[index].received_at if index < len(self._events) else None

    def rejects(self, *, limit: int = 100, before: int | None = None) -> list[StoredReject]:
        """Return rejects, newest first."""
        with self._changed:
            newest_first = [r for r in reversed(self._rejects) if before is None or r.number < before]
        return newest_first[:limit]

    def find_of(self, finder: Finder, after: int) -> Page:
        """Return all events after `after` that name a person."""
        with self._changed:
            start = max(after, self._removed)
            window = self._events[start - self._removed :]
        found = [(n, event) for n, event in enumerate(window, start + 1) if finder.is_named_by(event)]
        through = max(after, start + len(window))
        return Page([position for position, _ in found], [event for _, event in found], through)

    def erase(self, positions: Sequence[int]) -> int:
        """Erase events; their positions stay."""
        count = 0
        with self._changed:
            self._erased.update(positions)
            for index in (position - self._removed - 1 for position in positions):
                if 0 <= index < len(self._events) and self._events[index].type != ERASED:
                    before, after = self._events[index], erased(self._events[index])
                    self._events[index] = after
                    self._event_bytes += _size_bytes(after) - _size_bytes(before)
                    count += 1
        return count

    def erased_lately(self) -> Sequence[int]:
        """Return all positions that were erased."""
        with self._changed:
            return sorted(self._erased)

    def remove_rejects(self, numbers: Collection[int]) -> int:
        """Remove these rejects."""
        with self._changed:
            kept = [each for each in self._rejects if each.number not in numbers]
            count = len(self._rejects) - len(kept)
            self._rejects[:] = kept
        return count

    def scrub(self) -> bool:
        """Do nothing: memory has no files."""
        return True

    def stats(self) -> LogStats:
        """Return counts; the size is that of the events."""
        with self._changed:
            return LogStats(
                engine="memory",
                size_bytes=self._event_bytes,
                event_bytes=self._event_bytes,
                queued_events=self._writer.waiting_events,
                rejects=len(self._rejects),
                dedup_ids=len(self._known),
                dedup_since=self._forgotten_until,
            )

    def subscription(self, name: str, *, start: Start = "earliest") -> Subscription:
        """Return the subscription of that name."""
        with self._changed:
            if name not in self._subscriptions:
                position = self._last if start == "latest" else self._removed
                self._subscriptions[name] = MemorySubscription(name, position, self._erased)
            return self._subscriptions[name]

    def subscriptions(self) -> list[str]:
        """Return the names of all subscriptions, sorted."""
        with self._changed:
            return sorted(self._subscriptions)

    def open_subscriptions(self, starts: Mapping[str, Start]) -> dict[str, Subscription]:
        """Return the subscriptions of these names."""
        return {name: self.subscription(name, start=start) for name, start in starts.items()}

    def subscription_states(self) -> dict[str, SubscriptionState]:
        """Return the states of all subscriptions, by name."""
        with self._changed:
            return {name: each.state() for name, each in self._subscriptions.items()}

    def advance_all(self, steps: Sequence[tuple[Subscription, Progress]], *, now: datetime) -> None:
        """Keep several steps together."""
        for subscription, progress in steps:
            subscription.advance(progress, now=now)

    def maintain(self, now: datetime, *, holding: Collection[str] | None = None) -> None:
        """Remove what is past its time and what every subscription has passed."""
        settings = self._settings
        oldest = now - timedelta(seconds=settings.retention_s)
        with self._changed:
            allowed = (
                min(
                    (
                        s.needed_after()
                        for s in self._subscriptions.values()
                        if holding is None or s.name in holding
                    ),
                    default=self._last,
                )
                - self._removed
            )
            count = 0
            while count < min(allowed, len(self._events)):
                event = self._events[count]
                too_old = settings.retention_s and event.received_at < oldest
                too_much = settings.retention_bytes and self._event_bytes > settings.retention_bytes
                if not (too_old or too_much):
                    break
                self._event_bytes -= _size_bytes(event)
                count += 1
            del self._events[:count]
            self._removed += count
            catalogue.LOG_REMOVED_EVENTS.add(count)

    def close(self) -> None:
        """Commit what was taken and call every `done`."""
        self._writer.close()
