"""Tells when the log's end moves, by a commit of this process or of another."""

import threading
import time
from collections.abc import Callable

from trackside.sqlite.database import Database

POLL_S = 0.05
"""How often it is looked for commits of other processes."""
SETTLED_NS = 100_000_000
"""The file's time moves in steps of some milliseconds: a younger one may hide a commit that came after the look."""
READ_S = 1.0
"""So often the end is read although the file seems untouched: a commit is seen only after its sync, which writes
nothing and so does not change the time, however long it takes."""


class Watch:
    """Lets threads wait for the end of the log. One of them looks for others' commits, the rest sleep."""

    def __init__(self, database: Database, end: Callable[[], int]) -> None:
        """`end` reads the end from the database."""
        self._database = database
        self._read_end = end
        self.begin_anew()

    def begin_anew(self) -> None:
        """Start without waiting threads, as in a forked child."""
        self._changed = threading.Condition()
        self._looking = False
        self._end = -1
        self._seen_ns = 0
        self._read_at = 0.0

    def moved(self, end: int) -> None:
        """Wake who waits for less than `end`."""
        with self._changed:
            if end > self._end:
                self._end = end
                self._changed.notify_all()

    def wait(self, after: int, timeout_s: float) -> bool:
        """Return whether the end is beyond `after`: at once for this process's commits, soon for others'."""
        deadline = time.monotonic() + timeout_s
        self._look()
        while True:
            with self._changed:
                remaining = deadline - time.monotonic()
                if self._end > after or remaining <= 0:
                    return self._end > after
                if self._looking:
                    self._changed.wait(remaining)
                    continue
                self._looking = True
            try:
                self._look_until_moved(after, deadline)
            finally:
                with self._changed:
                    self._looking = False
                    self._changed.notify_all()  # somebody else looks from here on

    def _look_until_moved(self, after: int, deadline: float) -> None:
        while True:
            with self._changed:
                remaining = deadline - time.monotonic()
                if self._end > after or remaining <= 0:
                    return
                self._changed.wait(min(remaining, POLL_S))
            self._look()

    def _look(self) -> None:
        """Read the end where the write-ahead log was written since the last look, or that was long ago."""
        written_ns, now = self._database.written_ns(), time.monotonic()
        if written_ns == self._seen_ns and self._end >= 0 and now - self._read_at < READ_S:
            return
        self._read_at = now
        self.moved(self._read_end())
        self._seen_ns = written_ns if time.time_ns() - written_ns > SETTLED_NS else -1
