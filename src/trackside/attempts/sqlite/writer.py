"""Brings what was recorded from the journal into the database, a few times a second, from a thread of its own."""

import asyncio
import itertools
import logging
import os
import sqlite3
import struct
import threading
import weakref
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from trackside.attempts.base import Ending, Sending
from trackside.attempts.gathering import Gathering
from trackside.attempts.journal import RING_BYTES, Journal, dead_journals
from trackside.attempts.records import (
    BEGIN,
    attempt_of,
    encode_begin,
    encode_end,
    is_sound,
    kind_and_key,
)
from trackside.attempts.sqlite.groups import Pair, keep
from trackside.errors import StorageError
from trackside.sqlite.database import Database
from trackside.telemetry import catalogue

logger = logging.getLogger(__name__)

GATHER_S: Final = 0.25
GATHER_BYTES: Final = 2_097_152
"""So much is not waited for any longer."""
TRY_AGAIN_S: Final = 2.0
UNTOLD: Final = Ending(
    outcome="unknown",
    duration_s=0.0,
    reason="the process ended before it knew what came of this request: it may have arrived",
)
_SPARE_PART: Final = 4
"""This part of the ring is for ends alone: what has begun can nearly always end."""

Open = dict[int, tuple[int, bytes]]
"""Key → the record of a beginning whose end is not known, and where it is."""


class Writer:
    """The journal of this process, and the thread that empties it."""

    def __init__(
        self,
        database: Database,
        directory: Path,
        *,
        ring_bytes: int = RING_BYTES,
    ) -> None:
        self._database = database
        self._directory = directory
        self._ring_bytes = ring_bytes
        self._journal: Journal | None = None
        self._thread: threading.Thread | None = None
        self._keys = itertools.count(1)
        self._open: Open = {}
        self._read = 0
        self._given_up: deque[int] = deque()
        self._unbegun: set[int] = set()
        """Attempts under way whose beginning had no room: their end is not wanted."""
        self._gatherings: dict[asyncio.AbstractEventLoop, Gathering] = {}
        self._emptying = threading.Lock()
        self._wanted = threading.Event()
        self._full = threading.Event()
        self._closing = threading.Event()
        after_fork = weakref.WeakMethod(self._after_fork_in_child)
        os.register_at_fork(after_in_child=lambda: (call := after_fork()) and call())

    def _after_fork_in_child(self) -> None:
        """Leave the journal to the parent: in the child nothing is kept until `start`."""
        journal, self._journal, self._thread = self._journal, None, None
        self._gatherings = {}
        self._emptying = threading.Lock()  # these may have been held when the process was forked
        self._wanted, self._full, self._closing = threading.Event(), threading.Event(), threading.Event()
        if journal is not None:
            journal.close(remove=False)

    def start(self) -> None:
        """Make the journal and start the thread."""
        if self._thread is None:
            self._read, self._open = 0, {}  # in a child process they were the parent's
            self._given_up.clear()
            self._unbegun.clear()
            self._journal = Journal.create(self._directory, self._ring_bytes)
            self._thread = threading.Thread(target=self._run, name="trackside-attempts", daemon=True)
            self._thread.start()

    def key(self) -> int | None:
        """Return the key of one more attempt; None where nothing is taken in."""
        return None if self._journal is None else next(self._keys)

    def gathering(self, loop: asyncio.AbstractEventLoop) -> Gathering:
        """Return what gathers the records of that loop's turns."""
        found = self._gatherings.get(loop)
        if found is None:
            found = self._gatherings[loop] = Gathering(loop, self._bring)
        return found

    def add(self, record: bytes) -> bool:
        """Put a record into the journal; return False where there is no room for it: its attempt is given up."""
        journal = self._journal
        if journal is None:
            return False
        kind, key = kind_and_key(record)
        if not journal.add(record, spare=journal.size // _SPARE_PART if kind == BEGIN else 0):
            if kind != BEGIN:
                self.give_up(key)
            return False
        self._wake(journal)
        return True

    def _bring(self, records: Sequence[bytes], names: Sequence[str]) -> None:
        journal = self._journal
        spare = 0 if journal is None else journal.size // _SPARE_PART
        if journal is not None and not self._unbegun and journal.add_all(records, spare=spare):
            self._wake(journal)
            return
        for record, name in zip(records, names, strict=True):
            kind, key = kind_and_key(record)
            if key in self._unbegun:  # counted when it began; its end would take the room of another's
                self._unbegun.discard(key)
            elif not self.add(record):
                catalogue.ATTEMPTS_DROPPED.add(1, name)
                if kind == BEGIN:
                    self._unbegun.add(key)

    def give_up(self, key: int) -> None:
        """Forget an attempt that has begun and of whose end nothing can be kept."""
        if key in self._unbegun:
            self._unbegun.discard(key)
        else:
            self._given_up.append(key)

    def _wake(self, journal: Journal) -> None:
        if not self._wanted.is_set():
            self._wanted.set()
        if journal.head - self._read > GATHER_BYTES and not self._full.is_set():
            self._full.set()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wanted.wait()
            self._full.wait(GATHER_S)
            self._wanted.clear()
            self._full.clear()
            try:
                self.flush()
            except StorageError as error:
                logger.warning("attempts cannot be kept, and are tried again: %s", error)
                self._rest()
            except Exception:  # the border: without this thread nothing would be kept any more
                logger.exception("attempts could not be kept, and are tried again")
                self._rest()

    def _rest(self) -> None:
        self._wanted.set()
        self._closing.wait(TRY_AGAIN_S)

    def flush(self) -> None:
        """Return once everything that has ended is in the database. Raises StorageError where it cannot be."""
        with self._emptying:
            if self._journal is not None:
                self._empty(self._journal)

    def _empty(self, journal: Journal) -> None:
        """Keep what has ended since the last time. Where that fails, nothing is forgotten."""
        until = journal.head
        pairs, still_open = joined(journal.records(self._read, until), self._open, self._read)
        if until > self._read:
            with self._database.writing() as connection:
                if pairs:
                    keep(connection, pairs)
                connection.execute("INSERT OR REPLACE INTO journals VALUES (?, ?)", (journal.name, until))
            catalogue.ATTEMPTS_KEPT.add(len(pairs))
        self._open, self._read = still_open, until
        for _ in range(len(self._given_up)):
            key = self._given_up.popleft()
            if self._open.pop(key, None) is None:
                self._given_up.append(key)  # its beginning came after `until`
        self._move_up(journal)
        journal.release(min([self._read, *(at for at, _ in self._open.values())]))

    def _move_up(self, journal: Journal) -> None:
        """Add again what is open for so long that it keeps others from being released."""
        for key, (at, record) in sorted(self._open.items(), key=lambda item: item[1][0]):
            if journal.head - at <= journal.size // 2:
                return
            place = journal.head
            if not journal.add(record):
                return
            self._open[key] = (place, record)

    def close(self) -> None:
        """Keep what is in the journal, end the thread; a second call does nothing."""
        thread, self._thread = self._thread, None
        journal = self._journal
        if thread is None or journal is None:
            return
        for gathering in self._gatherings.values():
            gathering.flush()
        self._gatherings = {}
        self._closing.set()
        self._wanted.set()
        self._full.set()
        thread.join()
        kept = True
        try:
            self.flush()
            with self._database.writing() as connection:
                keep(connection, _untold(self._open))
                connection.execute("DELETE FROM journals WHERE name = ?", (journal.name,))
        except StorageError as error:
            kept = False
            logger.warning("the last attempts are kept at the next start: %s", error)
        self._journal = None
        journal.close(remove=kept)


class DestinationRecorder:
    """Takes down what one destination sends."""

    def __init__(self, writer: Writer, destination: str, *, bodies: bool) -> None:
        self._writer = writer
        self._name = destination
        self._bytes = destination.encode(errors="backslashreplace")
        self._bodies = bodies
        self._gathering: Gathering | None = None

    def gather(self, loop: asyncio.AbstractEventLoop) -> None:
        """Note from now on once a turn of that loop, in whose thread everything is called."""
        self._gathering = self._writer.gathering(loop)

    def begin(self, sending: Sending) -> int | None:
        """Note what is about to be sent; None where there is no room, which is counted."""
        try:
            key = self._writer.key()
            if key is not None and self._add(encode_begin(key, self._bytes, sending, bodies=self._bodies)):
                return key
        except Exception:  # the border: what is only looked at must not stop what is sent
            logger.exception("an attempt could not be noted")
        catalogue.ATTEMPTS_DROPPED.add(1, self._name)
        return None

    def end(self, key: int | None, ending: Ending) -> None:
        """Note what came of it."""
        if key is None:
            return
        try:
            if self._add(encode_end(key, ending, bodies=self._bodies)):
                return
        except Exception:  # the border, as above
            logger.exception("an attempt could not be noted")
            self._writer.give_up(key)
        catalogue.ATTEMPTS_DROPPED.add(1, self._name)

    def _add(self, record: bytes) -> bool:
        if self._gathering is None:
            return self._writer.add(record)
        self._gathering.add(record, self._name)
        return True


def joined(
    records: Iterable[tuple[int, bytes]], open_before: Mapping[int, tuple[int, bytes]], read: int
) -> tuple[list[Pair], Open]:
    """Return beginnings and ends that belong together, in the order of their ends, and what has not ended.

    What ended before `read` was told already.
    """
    still_open = {**open_before}
    ends: list[tuple[int, bytes]] = []
    told: list[int] = []
    for at, record in records:
        kind, key = kind_and_key(record)
        if kind == BEGIN:
            still_open[key] = (at, record)  # again, where it was moved up
        elif at < read:
            told.append(key)
        else:
            ends.append((key, record))
    for key in told:
        still_open.pop(key, None)
    pairs: list[Pair] = []
    for key, end in ends:
        begin = still_open.pop(key, None)
        if begin is not None:
            pairs.append((begin[1], end))
    return pairs, still_open


def take_in(database: Database, directory: Path) -> None:
    """Keep what the journals of killed processes hold; what had not ended becomes `unknown`."""
    for journal in dead_journals(directory):
        kept = False
        try:
            with database.writing() as connection:
                _take_in(connection, journal)
            kept = True
        finally:
            journal.close(remove=kept)
        with database.writing() as connection:
            connection.execute("DELETE FROM journals WHERE name = ?", (journal.name,))


def _take_in(connection: sqlite3.Connection, journal: Journal) -> None:
    row = connection.execute("SELECT read FROM journals WHERE name = ?", (journal.name,)).fetchone()
    read = 0 if row is None else int(row[0])
    if read >= 0 and journal.is_whole:
        records = (each for each in journal.records(journal.tail, journal.head) if is_sound(each[1]))
        pairs, still_open = joined(records, {}, read)
        pairs = [pair for pair in [*pairs, *_untold(still_open)] if _can_be_read(pair)]
        keep(connection, pairs)
    connection.execute("INSERT OR REPLACE INTO journals VALUES (?, -1)", (journal.name,))


def _untold(still_open: Open) -> list[Pair]:
    return [(begin, encode_end(key, UNTOLD, bodies=True)) for key, (_, begin) in still_open.items()]


def _can_be_read(pair: Pair) -> bool:
    try:
        return attempt_of(*pair).position > 0
    except (msgspec.MsgspecError, ValueError, OverflowError, struct.error):
        return False
