"""The log on SQLite: puts writer, reader, subscriptions and maintenance together."""

import os
import threading
import weakref
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from trackside.config.settings import LogSettings
from trackside.errors import StorageError
from trackside.event import Batch, NameFilter
from trackside.log.base import Bounds, LogStats, Page, Receipt, StoredReject
from trackside.log.group_commit import GroupCommit
from trackside.log.person import Finder
from trackside.log.sqlite import subscriptions
from trackside.log.sqlite.compaction import Compaction
from trackside.log.sqlite.dedup import committed_at, remembered_after
from trackside.log.sqlite.erasing import Eraser, count_up, mark, marked, remove_old_marks
from trackside.log.sqlite.reader import Reader
from trackside.log.sqlite.rejects import read_rejects, remove_rejects
from trackside.log.sqlite.retention import (
    apply_retention,
    remove_old_ids,
    trim_rejects,
)
from trackside.log.sqlite.schema import DELIVERY, LOG
from trackside.log.sqlite.watch import Watch
from trackside.log.sqlite.writer import Writer, log_end
from trackside.log.subscription import Progress, Start, Subscription, SubscriptionState
from trackside.sqlite.database import Database, explain
from trackside.sqlite.instants import from_us, to_us
from trackside.sqlite.space import give_space_back, scrub
from trackside.telemetry import catalogue


def _now() -> datetime:
    return datetime.now(UTC)


class SQLiteLog:
    """The durable log in one directory; any number of processes may append to it and read it.

    `log.db` has the events and the rejects, `delivery.db` the subscriptions. Threads start with the first
    append, not before; after a fork parent and child go on, each with its own.
    """

    def __init__(
        self, directory: Path, settings: LogSettings, *, clock: Callable[[], datetime] = _now
    ) -> None:
        """Open the log, made where it is new. Raises StorageError where it cannot be used."""
        self._settings = settings
        self._clock = clock
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(explain(directory, error)) from error
        self._log = Database(
            directory / "log.db",
            LOG,
            meta={"id": uuid4().hex, "secret": os.urandom(32)},
        )
        meta = self._log.meta()
        self._delivery = self._open_delivery(directory / "delivery.db", str(meta["id"]))
        self._reader = Reader(self._log)
        self._eraser = Eraser(self._log)
        self._watch = Watch(self._log, self._reader.end)
        secret = meta["secret"]
        self._writer = Writer(
            self._log,
            settings,
            secret=secret if isinstance(secret, bytes) else b"",
            clock=clock,
            committed=self._watch.moved,
        )
        self._queue = GroupCommit(
            self._writer.commit,
            commit_now=self._writer.commit_now,
            queue_bytes=settings.queue_bytes,
            name="trackside-log",
        )
        self._maintaining = threading.Lock()
        after_fork = weakref.WeakMethod(self._after_fork_in_child)
        os.register_at_fork(after_in_child=lambda: (call := after_fork()) and call())

    def _open_delivery(self, path: Path, log_id: str) -> Database:
        try:
            delivery = Database(path, DELIVERY, meta={"log_id": log_id})
        except BaseException:
            self._log.close()
            raise
        if delivery.meta().get("log_id") == log_id:
            return delivery
        delivery.close()
        self._log.close()
        raise StorageError(
            f"{path} belongs to another log than {self._log.path}: its positions mean other events; "
            f"restore the two files together, or move delivery.db away to deliver everything again"
        )

    def _after_fork_in_child(self) -> None:
        self._watch.begin_anew()
        self._maintaining = threading.Lock()
        self._reader.after_fork()
        self._writer.after_fork()

    def append(self, batch: Batch, done: Callable[[Receipt], None]) -> None:
        """Take the batch; `done` is called from the log's thread after the commit."""
        self._queue.submit(batch, done)

    def append_all(self, batches: Sequence[Batch], done: Callable[[Sequence[Receipt]], None]) -> None:
        """Take all batches or none; `done` is called from the log's thread with a receipt for each."""
        self._queue.submit_all(batches, done)

    def commit_now(self, batches: Sequence[Batch]) -> Sequence[Receipt] | None:
        """Make the batches durable in the calling thread; None where it would have to wait or take long."""
        return self._queue.commit_now(batches)

    def read(self, after: int, *, limit: int = 500, names: NameFilter | None = None) -> Page:
        """Return events after `after`, at most twice `limit`."""
        return self._reader.read(after, limit, names)

    def wait(self, after: int, timeout_s: float) -> bool:
        """Return whether the end is beyond `after`: at once for this process's commits, soon for others'."""
        return self._watch.wait(after, timeout_s)

    def bounds(self) -> Bounds:
        """Return what the log holds now."""
        return self._reader.bounds()

    def position_at(self, moment: datetime) -> int:
        """Return the position of the last event received before `moment`."""
        return self._reader.position_at(moment)

    def received_at(self, position: int) -> datetime | None:
        """Return about when the event at `position`, or the first one held after it, was received."""
        return self._reader.received_at(position)

    def rejects(self, *, limit: int = 100, before: int | None = None) -> list[StoredReject]:
        """Return rejects, newest first."""
        with self._log.reading() as connection:
            return read_rejects(connection, limit=limit, before=before)

    def find_of(self, finder: Finder, after: int) -> Page:
        """Return some of the events after `after` that name a person."""
        return self._eraser.find(finder, after)

    def erase(self, positions: Sequence[int]) -> int:
        """Erase the events at these positions."""
        if not positions:
            return 0
        mark(self._delivery, positions, now=self._clock())
        count = self._eraser.erase(positions)
        count_up(self._delivery)  # whoever looked in between may have read some of them again
        return count

    def erased_lately(self) -> Sequence[int]:
        """Return the positions that were erased within the last day or so."""
        return marked(self._delivery)

    def remove_rejects(self, numbers: Collection[int]) -> int:
        """Remove these rejects."""
        with self._log.writing() as connection:
            return remove_rejects(connection, numbers)

    def scrub(self) -> bool:
        """Leave nothing in the files of what was erased or removed."""
        return all([scrub(self._log), scrub(self._delivery)])

    def stats(self) -> LogStats:
        """Return sizes and counts."""
        settings = self._settings
        window_us = settings.dedup_window_s * 1_000_000
        with self._log.reading() as connection:
            end = log_end(connection)
            (event_bytes,) = connection.execute("SELECT coalesce(sum(raw_bytes), 0) FROM chunks").fetchone()
            (rejects,) = connection.execute("SELECT count(*) FROM rejects").fetchone()
            forgotten = remembered_after(
                connection, end, to_us(self._clock()), window_us, settings.dedup_max_ids
            )
            since = None
            if forgotten:
                since = committed_at(connection, forgotten) or committed_at(connection, forgotten + 1)
        return LogStats(
            engine="sqlite",
            size_bytes=self._log.size_bytes() + self._delivery.size_bytes(),
            event_bytes=event_bytes,
            queued_events=self._queue.waiting_events,
            rejects=rejects,
            dedup_ids=end - forgotten,
            dedup_since=None if since is None else from_us(since),
        )

    def subscription(self, name: str, *, start: Start = "earliest") -> Subscription:
        """Return the subscription of that name, made where it is new.

        Raises StorageError where the log ends before its position: new events up to there would be passed over.
        """
        return self.open_subscriptions({name: start})[name]

    def open_subscriptions(self, starts: Mapping[str, Start]) -> dict[str, Subscription]:
        """Return the subscriptions of these names. Raises StorageError as `subscription` does."""
        bounds = self.bounds()
        earliest = bounds.first - 1 if bounds.events else bounds.last
        opened = subscriptions.open_subscriptions(
            self._delivery,
            {name: bounds.last if start == "latest" else earliest for name, start in starts.items()},
        )
        states = self.subscription_states() if len(opened) > 1 else {}
        for name, subscription in opened.items():
            position = (states.get(name) or subscription.state()).position
            if position > bounds.last and position > (end := self._reader.end()):
                raise StorageError(
                    f"{self._delivery.path} says that {name} has had the events up to {position}, but"
                    f" {self._log.path} ends at {end}: it is older; restore both of one backup,"
                    f" or move delivery.db away to deliver everything again"
                )
        return {**opened}

    def subscriptions(self) -> list[str]:
        """Return the names of all subscriptions, sorted."""
        return subscriptions.subscription_names(self._delivery)

    def subscription_states(self) -> dict[str, SubscriptionState]:
        """Return the states of all subscriptions, by name."""
        return subscriptions.subscription_states(self._delivery)

    def advance_all(self, steps: Sequence[tuple[Subscription, Progress]], *, now: datetime) -> None:
        """Keep several steps in one transaction."""
        subscriptions.advance_all(self._delivery, steps, now=now)

    def maintain(self, now: datetime, *, holding: Collection[str] | None = None) -> None:
        """Apply retention, merge small chunks, give space back; one at a time, others return at once."""
        if not self._maintaining.acquire(blocking=False):
            return
        try:
            passed = subscriptions.passed_by_all(self._delivery, holding)
            removed = apply_retention(
                self._log, self._settings, passed=self._reader.end() if passed is None else passed, now=now
            )
            catalogue.LOG_REMOVED_EVENTS.add(removed)
            remove_old_ids(self._log, self._settings, now)
            trim_rejects(self._log, self._settings)
            remove_old_marks(self._delivery, now)
            Compaction(self._log).run()
            give_space_back(self._log)
        finally:
            self._maintaining.release()

    def close(self) -> None:
        """Commit what was taken, call every `done`, release the files."""
        self._queue.close()
        self._log.close()
        self._delivery.close()
