"""Events → lines → batches, within the limits."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

from msgspec import Struct

from trackside.destinations.base import Delivery, Outcome, Refused
from trackside.destinations.event_json import json_line
from trackside.destinations.http.settings import HttpSettings
from trackside.event import Event

SHRINKS_BY: Final = 4
"""With each failed attempt of its first event a batch is so much smaller: what makes a place fail ends up alone."""


class Batch(Struct, frozen=True, gc=False):
    """The lines of one request, and which of the deliveries each of them is."""

    numbers: Sequence[int]
    events: Sequence[Event]
    lines: Sequence[bytes]

    @property
    def key(self) -> str:
        """Return what the same events have in common whenever they are sent together, in this order."""
        digest = blake2b(digest_size=16)
        for event in self.events:
            digest.update(f"{event.source}\0{event.id}\n".encode("utf-8", "replace"))
        return digest.hexdigest()

    @property
    def body(self) -> bytes:
        """Return the lines, each with its end."""
        return b"\n".join([*self.lines, b""])

    def halves(self) -> "tuple[Batch, Batch]":
        """Return the same in two requests."""
        middle = len(self.lines) // 2
        return (
            Batch(self.numbers[:middle], self.events[:middle], self.lines[:middle]),
            Batch(self.numbers[middle:], self.events[middle:], self.lines[middle:]),
        )


class Batches:
    """The deliveries of one `send`, cut into batches in their order; each is made when it is asked for."""

    def __init__(
        self, deliveries: Sequence[Delivery], limits: HttpSettings, outcomes: list[Outcome | None]
    ) -> None:
        """What cannot be a line is in no batch: its outcome is put into `outcomes`."""
        self._deliveries = deliveries
        self._limits = limits
        self._outcomes = outcomes
        self._next = 0

    def take(self, *, most: int) -> Batch | None:
        """Return the next batch, of so many events at the most; None where nothing is left."""
        numbers: list[int] = []
        events: list[Event] = []
        lines: list[bytes] = []
        size = 0
        while self._next < len(self._deliveries) and len(lines) < most:
            delivery = self._deliveries[self._next]
            allowed = max(1, self._limits.batch_events // SHRINKS_BY ** (delivery.attempt - 1))
            if len(lines) >= allowed:
                break
            line = _line(delivery.event)
            if isinstance(line, Refused):
                self._outcomes[self._next] = line
                self._next += 1
                continue
            size += len(line) + 1
            if lines and size > self._limits.batch_bytes:
                break
            most = min(most, allowed)
            numbers.append(self._next)
            events.append(delivery.event)
            lines.append(line)
            self._next += 1
        return Batch(numbers, events, lines) if lines else None


def _line(event: Event) -> bytes | Refused:
    try:
        return json_line(event)
    except Exception as error:  # noqa: BLE001  # the border: one odd event must not hold its neighbours
        return Refused(reason=f"cannot be written as JSON: {type(error).__name__}")
