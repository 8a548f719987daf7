"""The relay of this process: a thread that a commit wakes, and that looks now and then for what others left."""

import atexit
import logging
import os
import random
import threading
from collections.abc import Callable

from django.db import close_old_connections, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from trackside.django.outbox.forks import kept_from_forks
from trackside.django.outbox.relay import Relay, Step
from trackside.django.outbox.settings import OutboxSettings
from trackside.django.outbox.status import report_status

logger = logging.getLogger("trackside.outbox")

LINGER_S = 0.005
"""How long the thread waits for company after a commit has woken it: it asks neither for the interpreter nor for the
database while the request that committed still computes, and one step moves what several transactions left."""
FIRST_DELAY_S = 0.05
LONGEST_DELAY_S = 30.0
BUSY_DELAY_S = 1.0
"""Longest pause before looking again whether another relay has finished."""
REST_AFTER_S = 2.0
"""A connection that nobody needed for so long is closed."""
EXIT_TIMEOUT_S = 5.0


class Pacer:
    """Says how long to wait for the next wake-up; no clock and no thread inside."""

    def __init__(self, poll_interval_s: float, jitter: Callable[[], float] = random.random) -> None:
        self._poll_interval_s = poll_interval_s
        self._jitter = jitter
        self._delay_s = 0.0

    def after(self, step: Step | None) -> float:
        """Return the pause after `step`, None for one that failed, in seconds.

        Where another relay is at work it is short: that one may have looked before our rows were committed.
        """
        if step is not None and not step.busy and not step.left:
            self._delay_s = 0.0
            # processes that began together do not go on looking together
            return self._poll_interval_s * (0.75 + self._jitter() / 2)
        longest = BUSY_DELAY_S if step is not None and step.busy else LONGEST_DELAY_S
        self._delay_s = min(max(FIRST_DELAY_S, 2 * self._delay_s), longest)
        return self._delay_s


class RelayThread:
    """Runs a relay in the background of this process, from the first wake-up on."""

    def __init__(self, settings: OutboxSettings) -> None:
        self._settings = settings
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._woken = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    def wake(self) -> None:
        """Let the thread look for rows now; starts it where this process, or this child of a fork, has none."""
        if self._pid != os.getpid():
            self._begin()
        if not self._woken.is_set():  # to set it again costs more than to look
            self._woken.set()
        if self._thread is None or not self._thread.is_alive():
            self._start()

    def stop(self, timeout_s: float = EXIT_TIMEOUT_S) -> None:
        """Move what a wake-up asked for, end the thread, close its connection; after the timeout leave it."""
        self._stopping.set()
        self._woken.set()
        if self._thread is not None and self._pid == os.getpid():
            self._thread.join(timeout_s)

    def _start(self) -> None:
        with self._starting:
            if self._thread is not None and self._thread.is_alive():
                return
            self._stopping.clear()
            thread = threading.Thread(target=self._run, name="trackside-relay", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the interpreter is ending: the rows stay for the next process
                return
            self._thread = thread
            atexit.unregister(self.stop)
            atexit.register(self.stop)

    def _run(self) -> None:
        lookout, pacer = Lookout(self._settings), Pacer(self._settings.poll_interval_s)
        pause_s = 0.0
        while not self._stopping.is_set() or self._woken.is_set():
            woken = self._woken.wait(min(pause_s, REST_AFTER_S))
            if not woken and pause_s > REST_AFTER_S:
                lookout.rest()
                woken = self._woken.wait(pause_s - REST_AFTER_S)
            if woken:
                self._stopping.wait(LINGER_S)
            self._woken.clear()
            pause_s = pacer.after(lookout.look(count=not woken))
        lookout.rest()


class Lookout:
    """Runs a relay on a connection of its own: the backends' statements must not be part of its transaction."""

    def __init__(self, settings: OutboxSettings) -> None:
        self._settings = settings
        self._connection: BaseDatabaseWrapper | None = None

    def look(self, *, count: bool = False) -> Step | None:
        """Move the rows there are; with `count`, or where some are left, set the gauges.

        Return None where the database does not work.
        """
        try:
            if self._connection is None:
                self._connection = connections[self._settings.database].copy()
            step = Relay(self._connection, self._settings).drain()
            with kept_from_forks(self._connection):
                if count or step.left:
                    report_status(self._connection)
                close_old_connections()  # those of backends that use the database
        except Exception as error:  # noqa: BLE001  # the border: the database may be away for a while
            logger.warning("The relay could not work", extra={"error": type(error).__name__})
            self.rest()
            return None
        return step

    def rest(self) -> None:
        """Give the connections back: a process for each core would keep some for each core."""
        connection, self._connection = self._connection, None
        try:
            with kept_from_forks(connection):
                if connection is not None:
                    connection.close()
                connections.close_all()
        except Exception as error:  # noqa: BLE001  # it may be the connection that does not work
            logger.warning("A connection could not be closed", extra={"error": type(error).__name__})


def follow(settings: OutboxSettings, *, interval_s: float, wait: Callable[[float], bool]) -> None:
    """Move rows as they come, looking every `interval_s` seconds, until `wait(seconds)` returns True."""
    lookout, pacer = Lookout(settings), Pacer(interval_s)
    while not wait(pacer.after(lookout.look(count=True))):
        pass
    lookout.rest()
