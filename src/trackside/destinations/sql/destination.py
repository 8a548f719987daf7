"""A table as a destination: each event is one row, however often it is sent."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final

from trackside.destinations.base import DELIVERED, Delivery, Outcome, Refused, Unsent
from trackside.destinations.event_row import Row, to_row
from trackside.destinations.sql.engine import Engine
from trackside.destinations.sql.settings import SqlSettings
from trackside.destinations.sql.writing import Writer
from trackside.errors import DestinationError
from trackside.event import Event

logger = logging.getLogger(__name__)

FIRST_REST_S: Final = 1.0
LONGEST_REST_S: Final = 15.0
"""How late it is noticed at the most that a database is back."""
CLOSING_S: Final = 5.0


class Sql:
    """Adds events to the table of its settings; source and id are the key, so that a repeat changes nothing."""

    ordered = False

    def __init__(self, settings: SqlSettings, make_engine: Callable[[], Engine]) -> None:
        """`make_engine` is called when the destination opens."""
        self._settings = settings
        self._make_engine = make_engine
        self._writer: Writer | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._failures = 0

    async def open(self, checkpoint: str | None) -> None:  # noqa: ARG002  # the key tells what is there
        """Connect; make the table where there is none. Raises DestinationError where it is not as it must be."""
        self._writer = Writer(self._make_engine(), self._settings.table)
        # of its own: a database that hangs holds up nobody else, and SQLite's connections stay in their thread
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="trackside-sql")
        await asyncio.get_running_loop().run_in_executor(self._thread, self._writer.open)
        self._failures = 0

    async def send(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        """Add the events; while the database takes nothing they stay where they are, and spend no attempt."""
        if self._thread is None or self._writer is None:
            raise DestinationError("the destination is not open")
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, self._send, self._writer, deliveries
        )

    def _send(self, writer: Writer, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        outcomes: list[Outcome] = [DELIVERED] * len(deliveries)
        numbers: list[int] = []
        rows: list[Row] = []
        for number, delivery in enumerate(deliveries):
            row = _row(delivery.event)
            if isinstance(row, Refused):
                outcomes[number] = row
            else:
                numbers.append(number)
                rows.append(row)
        most = self._settings.batch_events
        for first in range(0, len(rows), most):
            try:
                stored = writer.store(rows[first : first + most])
            except DestinationError as error:
                rest = Unsent(rest_s=self._rest_s(), reason=str(error))
                for number in numbers[first:]:
                    outcomes[number] = rest
                return outcomes
            self._failures = 0
            for number, outcome in zip(numbers[first : first + most], stored, strict=True):
                outcomes[number] = outcome
        return outcomes

    def _rest_s(self) -> float:
        self._failures += 1
        return min(FIRST_REST_S * 2.0 ** min(self._failures - 1, 10), LONGEST_REST_S)

    def checkpoint(self) -> str | None:
        """Return None: what is in the table is known by its key."""
        return None

    async def close(self) -> None:
        """Close the connection, in its thread."""
        thread, self._thread = self._thread, None
        writer, self._writer = self._writer, None
        if thread is None or writer is None:
            return
        closing = thread.submit(writer.close)
        thread.shutdown(wait=False)
        with suppress(TimeoutError):  # it hangs; it ends with its own timeout, and nobody waits for it
            await asyncio.wait_for(asyncio.wrap_future(closing), CLOSING_S)


def _row(event: Event) -> Row | Refused:
    try:
        return to_row(event)
    except Exception as error:
        logger.exception("event cannot be written as a row", extra={"event_id": event.id})
        return Refused(reason=f"cannot be written as a row: {type(error).__name__}")
