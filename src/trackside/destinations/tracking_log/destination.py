"""The tracking log as a destination: each event is in the file exactly once, whatever was killed."""

import asyncio
import logging
import threading
from collections.abc import Sequence
from operator import attrgetter
from pathlib import Path

from trackside.destinations.base import DELIVERED, Delivery, Outcome, Refused, Retry
from trackside.destinations.tracking_log.checkpoint import decode_checkpoint
from trackside.destinations.tracking_log.file import LineFile
from trackside.destinations.tracking_log.line import render, render_alone
from trackside.destinations.tracking_log.recovery import recover
from trackside.destinations.tracking_log.settings import TrackingLogSettings
from trackside.destinations.written import FORGET_AFTER_EVENTS, Written
from trackside.errors import DestinationError
from trackside.event import Event

logger = logging.getLogger(__name__)

AGAIN_S = 1.0
"""How soon a file that could not be written is tried again: a full disk costs no attempt, only time."""
SLICE_EVENTS = 128
"""So many lines are made and written at once: about what a processor's cache holds. To write them in a thread
beside the one that makes them cost twice what it saved: the two wait for one another at every slice."""

_event = attrgetter("event")


class TrackingLog:
    """Appends one standard Open edX line for each event to the file at `path`."""

    ordered = True

    def __init__(self, path: Path, settings: TrackingLogSettings) -> None:
        self._file = LineFile(
            path, max_bytes=settings.max_bytes, backups=settings.backups, fsync=settings.fsync
        )
        self._written = Written()
        self._note: str | None = None
        self._sent = 0
        self._busy = threading.Lock()

    async def open(self, checkpoint: str | None) -> None:
        """Open the file, and find out what a crash left behind the checkpoint."""
        await asyncio.to_thread(self._open, checkpoint)

    def _open(self, checkpoint: str | None) -> None:
        path = self._file.path
        note = decode_checkpoint(checkpoint)
        try:
            self._written = recover(path, note)
            self._file.open()
            self._note, self._sent = checkpoint, 0
        except FileNotFoundError as error:
            raise DestinationError(f"{path.parent} is missing; make the folder, or change `path`") from error
        except OSError as error:
            raise DestinationError(_sentence(path, error)) from error

    async def send(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        """Append the lines; what finds no room is to be tried again, as often as it takes."""
        return await asyncio.to_thread(self._send, deliveries)

    def _send(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        with self._busy:
            outcomes: list[Outcome] = []
            for start in range(0, len(deliveries), SLICE_EVENTS):
                outcomes += self._send_slice(deliveries[start : start + SLICE_EVENTS])
                if isinstance(outcomes[-1], Retry):
                    return outcomes + outcomes[-1:] * (len(deliveries) - len(outcomes))
            return outcomes

    def _send_slice(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        lines = None if self._written else _lines(deliveries)
        return self._send_singly(deliveries) if lines is None else self._append(lines, len(deliveries))

    def _append(self, lines: bytes, count: int) -> Sequence[Outcome]:
        accepted, error = self._file.append(lines)
        if error is None:
            return (DELIVERED,) * count
        kept = lines.count(b"\n", 0, accepted)
        retry = Retry(reason=_sentence(self._file.path, error), after_s=AGAIN_S, spends_attempt=False)
        return (DELIVERED,) * kept + (retry,) * (count - kept)

    def _send_singly(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        """Send event by event: lines of before a crash are looked for, or one of them cannot be a line."""
        outcomes: list[Outcome] = []
        for delivery in deliveries:
            line = _line(delivery.event)
            if isinstance(line, Refused):
                outcomes.append(line)
            elif self._written and self._written.take(line):
                outcomes.append(DELIVERED)
            else:
                outcomes.extend(self._append(line + b"\n", 1))
                if outcomes[-1] is not DELIVERED:
                    break
        self._sent += len(outcomes)
        if self._sent >= FORGET_AFTER_EVENTS:
            self._written = Written()
        return outcomes + outcomes[-1:] * (len(deliveries) - len(outcomes))

    def checkpoint(self) -> str | None:
        """Return file and offset, after an fsync.

        While lines of before a crash are looked for it stays the note of before that crash: a new one would
        cover lines whose events are not noted as delivered.
        """
        with self._busy:
            note = self._file.checkpoint()
            if note is not None and not self._written:
                self._note = note.encode()
            return self._note

    async def close(self) -> None:
        """Close the file."""
        # a write that hangs in its thread keeps the file: to close it there would hit whatever is opened next
        if self._busy.acquire(blocking=False):
            try:
                self._file.close()
            finally:
                self._busy.release()


def _lines(deliveries: Sequence[Delivery]) -> bytes | None:
    """Return one line for each event, or None where one of them is odd and has to be looked at alone."""
    try:
        return render(map(_event, deliveries))
    except Exception:  # noqa: BLE001  # the border: one odd event must not hold those behind it
        return None


def _line(event: Event) -> bytes | Refused:
    try:
        return render_alone(event)[:-1]
    except Exception as error:
        logger.exception("event cannot be written as a line", extra={"event_id": event.id})
        return Refused(reason=f"cannot be written as a line: {type(error).__name__}")


def _sentence(path: Path, error: OSError) -> str:
    return f"cannot write {path}: {error.strerror or type(error).__name__}"
