"""The store of attempts in a data directory: what the hub opens."""

import logging
import threading
from collections.abc import Collection
from datetime import datetime
from pathlib import Path

from trackside.attempts.base import PAGE, Attempt, AttemptPage, Query
from trackside.attempts.journal import RING_BYTES
from trackside.attempts.records import id_bytes, key_of_id
from trackside.attempts.sqlite.groups import without_bodies_of
from trackside.attempts.sqlite.retention import tidy
from trackside.attempts.sqlite.schema import ATTEMPTS
from trackside.attempts.sqlite.search import find_one, find_page, groups_of_key
from trackside.attempts.sqlite.writer import DestinationRecorder, Writer, take_in
from trackside.config.settings import AttemptSettings
from trackside.errors import StorageError
from trackside.sqlite.database import Database, explain
from trackside.sqlite.space import scrub

logger = logging.getLogger(__name__)

FILE = "attempts.db"


class SQLiteAttempts:
    """The attempts of a data directory, in `attempts.db`.

    Any number of processes may read; one that calls `start` also takes in, with a thread and a journal of its own.
    """

    def __init__(
        self,
        directory: Path,
        settings: AttemptSettings,
        *,
        ring_bytes: int = RING_BYTES,
    ) -> None:
        """Open the store, made where it is new. Raises StorageError where it cannot be used."""
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(explain(directory, error)) from error
        self._directory = directory
        self._settings = settings
        self._database = Database(directory / FILE, ATTEMPTS, meta={})
        self._writer = Writer(self._database, directory, ring_bytes=ring_bytes)
        self._maintaining = threading.Lock()

    def start(self) -> None:
        """Take in what killed processes left, and be ready to take in more."""
        try:
            take_in(self._database, self._directory)
        except (StorageError, OSError) as error:  # `maintain` tries it again
            logger.warning("attempts that a killed process left are not here yet: %s", error)
        self._writer.start()

    def recorder(self, destination: str) -> DestinationRecorder:
        """Return what the destination of this name calls."""
        return DestinationRecorder(self._writer, destination, bodies=self._settings.bodies)

    def page(self, query: Query, *, before: int | None = None, limit: int = PAGE) -> AttemptPage:
        """Return attempts that are asked for, newest first, those with ids below `before`."""
        with self._database.reading() as connection:
            return find_page(connection, query, before, limit)

    def find(self, id: int) -> Attempt | None:  # noqa: A002  # the contract's
        """Return the attempt of this id."""
        with self._database.reading() as connection:
            return find_one(connection, id)

    def empty_bodies(self, event_ids: Collection[str]) -> int:
        """Empty what attempts of these events sent and were answered."""
        ids = {id_bytes(each) for each in event_ids}
        with self._database.reading() as connection:
            found = {first for each in ids for first in groups_of_key(connection, key_of_id(each))}
        count = 0
        for first in sorted(found):
            with self._database.writing() as connection:
                row = connection.execute("SELECT body FROM groups WHERE first = ?", (first,)).fetchone()
                body, emptied = without_bodies_of(row[0], ids) if row else (b"", 0)
                if emptied:
                    connection.execute("UPDATE groups SET body = ? WHERE first = ?", (body, first))
                    count += emptied
        return count

    def scrub(self) -> bool:
        """Leave nothing in the file of what was emptied or removed."""
        return scrub(self._database)

    def maintain(self, now: datetime) -> int:
        """Take in what killed processes left, remove what is too old or too much; one call at a time."""
        if not self._maintaining.acquire(blocking=False):
            return 0
        try:
            take_in(self._database, self._directory)
            return tidy(self._database, self._settings, now)
        finally:
            self._maintaining.release()

    def close(self) -> None:
        """Keep what was taken in, as far as the disk has room for it, and release the files."""
        self._writer.close()
        self._database.close()
