"""The relay: takes committed rows in order, hands their events to their trackers, deletes what is durable.

It keeps no position. A transaction that began early may commit late, with smaller ids than rows that were
moved long ago: whatever is in the table has not been moved, and the smallest id goes first.
"""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import NamedTuple

from django.db.backends.base.base import BaseDatabaseWrapper

from trackside.django.outbox.forks import kept_from_forks
from trackside.django.outbox.locks import Lock, lock_for, transaction_on
from trackside.django.outbox.rows import (
    StoredRow,
    count_attempts,
    decode_event,
    delete_rows,
    select_rows,
    set_aside,
)
from trackside.django.outbox.settings import OutboxSettings
from trackside.emitted import CommitWaiter, waiting_for_commit
from trackside.emitted.identity import sending_as
from trackside.telemetry import catalogue
from trackside.tracker import get_tracker

logger = logging.getLogger("trackside.outbox")


class Step(NamedTuple):
    """What one step of the relay did."""

    moved: int = 0
    """Rows whose events are where they belong; they are deleted."""
    set_aside: int = 0
    """Rows that will not be tried again by themselves."""
    left: int = 0
    """Rows that did not get through and will be tried again."""
    busy: bool = False
    """Another relay is at it; nothing was looked at."""
    more: bool = False
    """The step was full: there may be more rows."""

    def __add__(self, other: object) -> "Step":
        """Return the sum of two steps; `busy`, `left` and `more` are those of the later one."""
        if not isinstance(other, Step):
            return NotImplemented
        return other._replace(moved=self.moved + other.moved, set_aside=self.set_aside + other.set_aside)


class _Sent(NamedTuple):
    row: StoredRow
    waiters: Sequence[CommitWaiter] = ()
    problem: str = ""
    hopeless: bool = False


class Relay:
    """Moves the rows that one connection sees. One thread uses it at a time."""

    def __init__(
        self,
        connection: BaseDatabaseWrapper,
        settings: OutboxSettings,
        *,
        lock: Lock | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`connection` is not that of the application's own statements, but for tests within a transaction."""
        self._connection = connection
        self._settings = settings
        self._lock = lock or lock_for(connection)
        self._monotonic = monotonic
        self._now = now

    def step(self) -> Step:
        """Move the oldest rows, at most `relay_events`. Raises what the database does; then nothing is lost."""
        with self._lock(self._connection) as held:
            if not held:
                return Step(busy=True)
            with kept_from_forks(self._connection):
                rows = select_rows(self._connection, self._settings.relay_events)
            if not rows:
                return Step()
            return self._settle([_send(row) for row in rows])

    def drain(self, *, go_on: Callable[[], bool] = lambda: True) -> Step:
        """Move rows until there are none, some do not get through, or `go_on` says no; return the sum."""
        total = Step()
        while go_on():
            step = self.step()
            total += step
            if not step.more or step.left:
                break
        return total

    def _settle(self, sent: Sequence[_Sent]) -> Step:
        """Delete what has become durable, wait for it where it has not yet; keep the rest."""
        deadline = self._monotonic() + self._settings.durable_timeout_s
        moved, failed = [], []
        for each in sent:
            if each.problem:
                failed.append(each)
            elif all(waiter.wait(max(0.0, deadline - self._monotonic())) for waiter in each.waiters):
                moved.append(each.row.id)
            else:
                failed.append(each._replace(problem="the log did not make it durable"))
        # where nothing gets through it is not the event that is to blame
        blamed = [each for each in failed if moved or each.hopeless]
        given_up = [
            each for each in blamed if each.hopeless or each.row.attempts + 1 >= self._settings.attempts
        ]
        self._keep(moved, given_up, [each.row.id for each in blamed if each not in given_up])
        catalogue.OUTBOX_MOVED.add(len(moved))
        left = len(failed) - len(given_up)
        return Step(len(moved), len(given_up), left, more=len(sent) >= self._settings.relay_events)

    def _keep(self, moved: list[int], given_up: list[_Sent], blamed: list[int]) -> None:
        connection = self._connection
        alone = given_up and connection.get_autocommit()
        with kept_from_forks(connection), transaction_on(connection) if alone else nullcontext():
            self._write(moved, given_up, blamed)
        for each in given_up:
            catalogue.OUTBOX_SET_ASIDE.add(1)
            logger.error(
                "An event of the outbox is set aside",
                extra={"event_id": each.row.event_id, "tracker": each.row.tracker, "reason": each.problem},
            )

    def _write(self, moved: list[int], given_up: list[_Sent], blamed: list[int]) -> None:
        now_us = int(self._now() * 1e6)
        for each in given_up:
            set_aside(self._connection, each.row, each.problem, now_us)
        if moved or given_up:
            delete_rows(self._connection, [*moved, *(each.row.id for each in given_up)])
        if blamed:
            count_attempts(self._connection, blamed)


def _send(row: StoredRow) -> _Sent:
    """Hand the event of `row` to its tracker's backends, under the id it got when it was emitted."""
    try:
        event = decode_event(row.body)
    except (ValueError, RecursionError) as error:
        return _Sent(row, problem=f"unreadable: {type(error).__name__}", hopeless=True)
    try:
        tracker = get_tracker(row.tracker)
    except KeyError:
        return _Sent(row, problem="this process has no tracker of that name")
    with waiting_for_commit() as waiters, sending_as(event.pop("id", row.event_id)):
        try:
            tracker.routing_backend.send(event)
        except Exception as error:  # noqa: BLE001  # the border: one event's fault stays its own
            return _Sent(row, problem=f"the tracker failed: {type(error).__name__}")
    return _Sent(row, tuple(waiters))
