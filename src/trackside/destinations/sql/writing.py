"""Rows → the table."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from trackside.destinations.base import DELIVERED, Delivered, Refused
from trackside.destinations.event_row import Row
from trackside.destinations.sql.engine import Engine, sentence
from trackside.destinations.sql.probing import prepare
from trackside.errors import DestinationError

logger = logging.getLogger(__name__)


class Writer:
    """One connection, made again when it is lost. Belongs to one thread; everything blocks."""

    def __init__(self, engine: Engine, table: str) -> None:
        self._engine = engine
        self._table = table
        self._connection: Any = None

    def open(self) -> None:
        """Connect, and see that the table is as it must be. Raises DestinationError."""
        try:
            self._connection = self._engine.connect()
            prepare(self._engine, self._connection, self._table)
        except self._engine.errors as error:
            raise self._unavailable(error) from error

    def store(self, rows: Sequence[Row]) -> list[Delivered | Refused]:
        """Return one outcome for each row; those that are taken are in the table, durably.

        In one transaction; where a row is refused, in halves, until it is alone. Raises DestinationError where the
        database takes nothing; what was stored by then is skipped when it comes again.
        """
        is_new = self._connection is None
        try:
            if is_new:
                self._connection = self._engine.connect()
            self._engine.insert(self._connection, rows)
            self._connection.commit()
        except self._engine.errors as error:
            if not self._engine.blames_row(error) or not self._take_back():
                reason = self._unavailable(error)
                if is_new:
                    raise reason from error
                return self.store(rows)  # by a new connection: the old one may be closed since last night
            if len(rows) > 1:
                middle = len(rows) // 2
                return self.store(rows[:middle]) + self.store(rows[middle:])
            return [Refused(reason=f"{self._engine.told} does not take it: {sentence(error)}")]
        return [DELIVERED] * len(rows)

    def _take_back(self) -> bool:
        """Return whether the connection can be used again, with nothing of the last transaction."""
        try:
            self._connection.rollback()
        except self._engine.errors:
            return False
        return True

    def _unavailable(self, error: Exception) -> DestinationError:
        self.close()
        return DestinationError(f"{self._engine.told} takes nothing: {sentence(error)}")

    def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            # lost already, most likely; whatever it says, the next one is new
            with suppress(*self._engine.errors, OSError):
                connection.close()


def why_not(engine: Engine, table: str) -> str | None:
    """Return why the table takes no events now, or None; it is made where there is none. Blocks."""
    writer = Writer(engine, table)
    try:
        writer.open()
    except DestinationError as error:
        return str(error)
    finally:
        writer.close()
    return None
