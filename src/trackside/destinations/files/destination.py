"""Files as a destination: each event is in one file once, whatever was killed, and readers never see half a file."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from trackside.destinations.base import DELIVERED, Delivery, Outcome, Refused, Unsent
from trackside.destinations.files.formats import format_of, missing_library, suffix_for
from trackside.destinations.files.parts import Parts
from trackside.destinations.files.settings import FilesSettings
from trackside.destinations.written import FORGET_AFTER_EVENTS, Written
from trackside.errors import DestinationError
from trackside.event import Event

logger = logging.getLogger(__name__)

AGAIN_S: Final = 1.0
"""How soon a folder that could not be written is tried again: a full disk costs no attempt, only time."""
CLOSING_S: Final = 30.0
"""How long a close waits for a write that is under way."""


class Files:
    """Writes the events of each day into files below `folder`."""

    ordered = True

    def __init__(
        self, folder: Path, settings: FilesSettings, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._folder = folder
        self._settings = settings
        self._monotonic = monotonic
        self._suffix = suffix_for(settings)
        format_ = format_of(self._suffix)
        assert format_ is not None  # noqa: S101  # the settings allow no other
        self._to_line = format_.line
        self._parts: Parts | None = None
        self._sent = 0
        self._busy = threading.Lock()
        self._begun = asyncio.Event()
        self._finishing: asyncio.Task[None] | None = None

    async def open(self, checkpoint: str | None) -> None:
        """Set right what a crash left behind the checkpoint, and finish what was begun."""
        if reason := missing_library(self._settings):
            raise DestinationError(reason)
        await asyncio.to_thread(self._open, checkpoint)
        self._begun = asyncio.Event()
        self._finishing = asyncio.create_task(self._finish_by_age())

    def _open(self, checkpoint: str | None) -> None:
        parts = Parts(
            self._folder,
            self._suffix,
            max_bytes=self._settings.max_bytes,
            max_age_s=self._settings.max_age_s,
            monotonic=self._monotonic,
        )
        with self._busy:
            try:
                parts.recover(checkpoint)
            except OSError as error:
                raise DestinationError(_sentence(self._folder, error)) from error
            self._parts, self._sent = parts, 0

    async def send(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        """Write the events down; what finds no room is to be tried again, as often as it takes."""
        outcomes, begun = await asyncio.to_thread(self._send, deliveries)
        if begun:
            self._begun.set()
        return outcomes

    def _send(self, deliveries: Sequence[Delivery]) -> tuple[Sequence[Outcome], bool]:
        with self._busy:
            if self._parts is None:
                raise DestinationError("the destination is not open")
            self._parts.forget_covered()  # something is sent, so the last note was kept
            outcomes, lines_by_day = self._lines(deliveries, self._parts.written)
            try:
                begun = self._parts.append(lines_by_day)
            except OSError as error:
                reason = _sentence(self._folder, error)
                return [Unsent(rest_s=AGAIN_S, reason=reason)] * len(deliveries), False
            self._parts.finish_due()
            self._sent += len(deliveries)
            if self._sent >= FORGET_AFTER_EVENTS and self._parts.written:
                self._parts.written = Written()
            return outcomes, begun

    def _lines(
        self, deliveries: Sequence[Delivery], written: Written
    ) -> tuple[list[Outcome], dict[str, tuple[int, bytes]]]:
        """Return an outcome for each, and for each day the lines that are not in a file yet."""
        outcomes: list[Outcome] = []
        found: dict[object, list[bytes]] = {}
        first: dict[object, int] = {}
        for delivery in deliveries:
            line = self._line(delivery.event)
            if isinstance(line, Refused):
                outcomes.append(line)
                continue
            outcomes.append(DELIVERED)
            if written and written.take(line):
                continue
            day = delivery.event.received_at.date()
            first.setdefault(day, delivery.position)
            found.setdefault(day, []).append(line)
        return outcomes, {str(day): (first[day], b"\n".join([*lines, b""])) for day, lines in found.items()}

    def _line(self, event: Event) -> bytes | Refused:
        try:
            return self._to_line(event)
        except Exception as error:
            logger.exception("event cannot be written as a line", extra={"event_id": event.id})
            return Refused(reason=f"cannot be written as a line: {type(error).__name__}")

    async def _finish_by_age(self) -> None:
        """Finish files when they are old enough, also while nothing is sent."""
        while True:
            self._begun.clear()
            rest_s = await asyncio.to_thread(self._finish_due)
            with suppress(TimeoutError):
                async with asyncio.timeout(rest_s):
                    await self._begun.wait()

    def _finish_due(self) -> float | None:
        with self._busy:
            return None if self._parts is None else self._parts.finish_due()

    def checkpoint(self) -> str | None:
        """Return how much of which file is written, after an fsync."""
        with self._busy:
            return None if self._parts is None else self._parts.note()

    async def close(self) -> None:
        """Let readers see everything that was written."""
        finishing, self._finishing = self._finishing, None
        if finishing is not None:
            finishing.cancel()
            with suppress(asyncio.CancelledError):
                await finishing
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        # a write that hangs in its thread keeps its files
        if self._busy.acquire(timeout=CLOSING_S):
            try:
                parts, self._parts = self._parts, None
                if parts is not None:
                    parts.close()
            finally:
                self._busy.release()


def _sentence(folder: Path, error: OSError) -> str:
    return f"cannot write below {folder}: {error.strerror or type(error).__name__}"
