"""The hooks that are rows of the database, as this process knows them: never older than a moment, never in the way.

A thread of its own asks the database whether anything changed, once a second while questions are asked, by one small
query. So a question runs no query, and none of ours can break a transaction that its caller has open.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from django.db import connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from trackside.django.outbox.forks import kept_from_forks
from trackside.django.webfilters.content import hook_of, unusable
from trackside.django.webfilters.models import State, Webfilter, state_of_all
from trackside.django.webfilters.transactions import transaction_of_test_case
from trackside.errors import ConfigurationError
from trackside.telemetry import catalogue
from trackside.webfilters import Hook

logger = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 1.0
FRESH_S: Final = 2.0
"""What was looked at so long ago counts: a look that is late holds up nobody at once."""
REST_AFTER_S: Final = 5.0
"""Without a question for so long the thread rests and gives its connection back."""
PATIENCE_S: Final = 1.0
"""The first question, and the first after a rest, waits so long for a look at the most."""
IMPATIENCE_S: Final = 5.0
"""After a wait in vain none waits again for so long."""


class Look:
    """Looks at the rows in whichever thread calls; returns them only where they changed."""

    def __init__(self, taken: frozenset[str], now: Callable[[], datetime]) -> None:
        """`taken` are the names that the settings' hooks have."""
        self._taken = taken
        self._now = now
        self._state: State | None = None
        self._until_s = float("inf")
        """When the next signing key stops, in seconds since 1970."""
        self._told: dict[str, str] = {}

    def forget(self) -> None:
        """Read all rows the next time."""
        self._state = None

    def __call__(self) -> tuple[Hook, ...] | None:
        """Return the hooks where anything changed since the last time. Raises what the database raises."""
        state, now = state_of_all(), self._now()
        if state == self._state and now.timestamp() < self._until_s:
            return None
        # the state was asked for first: what changes in between is seen the next time
        found: list[Hook] = []
        ends: list[float] = []
        for row in Webfilter.objects.all() if state[0] else ():
            if row.name in self._taken:
                self._tell(row.name, "a hook of the settings has the same name, which counts")
                continue
            try:
                hook = hook_of(row, now=now)
            except ConfigurationError as error:
                self._tell(row.name, str(error))
                found.append(unusable(row))
                continue
            self._told.pop(row.name, None)
            found.append(hook)
            end_s = row.secrets.next_end_s(now)
            ends += [end_s] if end_s is not None else []
        self._state, self._until_s = state, min(ends, default=float("inf"))
        return tuple(found)

    def _tell(self, name: str, reason: str) -> None:
        if self._told.get(name) != reason:
            self._told[name] = reason
            logger.error("webfilter cannot be used", extra={"webfilter": name, "reason": reason})


class Rows:
    """Follows the rows for one process; `use` gets the hooks each time they change."""

    def __init__(
        self,
        use: Callable[[Sequence[Hook]], None],
        *,
        taken: frozenset[str] = frozenset(),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`taken` are the names that the settings' hooks have: they count."""
        self._use = use
        self._now = now
        self._taken = taken
        self._monotonic = monotonic
        self._stopped = False
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._look = Look(self._taken, self._now)
        self._fresh_until = float("-inf")
        self._looked_at = float("-inf")
        self._asked_at = float("-inf")
        self._change = self._seen_change = object()
        """Which change of a row was made last in this process, and which one was looked at."""
        self._broken = False
        self._within: object = None
        """The transaction of a test case that the rows were looked at in."""
        self._starting = threading.Lock()
        self._woken = threading.Event()
        self._looked = threading.Condition()
        self._thread: threading.Thread | None = None

    def follow(self) -> None:
        """Return once the rows that are known are fresh; those known last count where none can be read in time."""
        now = self._monotonic()
        if (
            now < self._fresh_until
            and self._seen_change is self._change
            and self._within is None
            and self._pid == os.getpid()
        ):
            self._asked_at = now
        else:
            self._catch_up(now)

    def changed(self) -> None:
        """Let the next question look again: a row was changed here."""
        self._change = object()
        self._woken.set()

    def stop(self, timeout_s: float = 0.0) -> None:
        """Let the thread end, its connection closed; wait for that for so long at the most."""
        self._stopped = True
        self._woken.set()
        if self._thread is not None and timeout_s:
            self._thread.join(timeout_s)

    def _catch_up(self, now: float) -> None:
        if self._pid != os.getpid():
            self._begin()  # the hooks that the parent knew stay until they are looked at
        self._asked_at = now
        within = transaction_of_test_case(router.db_for_read(Webfilter))
        if within is not self._within:
            # what a test's transaction held is gone with it
            if self._within is not None:
                self._change = object()
            self._within, self._fresh_until = None, float("-inf")
            self._look.forget()
        if within is not None:
            self._look_within(within)
        else:
            self._wait_for_a_look(now)

    def _look_within(self, within: object) -> None:
        """Look by the test's own connection, and only after a change: a test may count its queries."""
        if self._seen_change is not self._change:
            self._seen_change, self._within = self._change, within
            with transaction.atomic(using=router.db_for_read(Webfilter)):
                self._once()

    def _wait_for_a_look(self, now: float) -> None:
        self._start()
        self._woken.set()
        with self._looked:
            self._looked.wait_for(
                lambda: self._looked_at >= now and self._seen_change is self._change, PATIENCE_S
            )
        if self._looked_at < now:
            self._fresh_until = self._monotonic() + IMPATIENCE_S
            self._failed("they were not read in time")

    def _start(self) -> None:
        with self._starting:
            if self._thread is not None and self._thread.is_alive():
                return
            thread = threading.Thread(target=self._run, name="trackside-webfilters", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # no more threads may be had, or the interpreter is ending
                return
            self._thread = thread

    def _run(self) -> None:
        pid, connection = self._pid, connections[router.db_for_read(Webfilter)]
        while self._pid == pid and not self._stopped:
            self._woken.clear()
            # noted before the look: what changes while it lasts is looked at again
            began, change = self._monotonic(), self._change
            with kept_from_forks(connection):
                if not self._once():
                    _closed(connection)
            with self._looked:
                self._looked_at, self._fresh_until = began, began + FRESH_S
                self._seen_change = change
                self._looked.notify_all()
            if self._woken.wait(LOOK_EVERY_S):
                continue
            if self._monotonic() - self._asked_at > REST_AFTER_S:
                with kept_from_forks(connection):
                    _closed(connection)
                self._woken.wait()
        with kept_from_forks(connection):
            _closed(connection)

    def _once(self) -> bool:
        """Look, and return whether that went well; where it did not, the hooks known last go on."""
        try:
            hooks = self._look()
            if hooks is not None:
                self._use(hooks)
        except Exception as error:  # noqa: BLE001  # the border: the platform's action must not fail for this
            self._failed(type(error).__name__)
            return False
        self._broken = False
        return True

    def _failed(self, reason: str) -> None:
        catalogue.WEBFILTER_ROWS_FAILURES.add(1)
        if not self._broken:
            self._broken = True
            logger.error(
                "the webfilters of the database cannot be read; those known last go on",
                extra={"reason": reason},
            )


def _closed(connection: BaseDatabaseWrapper) -> None:
    with suppress(Exception):  # it may be the connection that does not work
        connection.close()
