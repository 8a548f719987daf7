"""The contract of a destination."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from trackside.event import Event


class Delivery(Struct, frozen=True, gc=False):
    """An event on its way out; `attempt` is 1 for the first try."""

    position: int
    event: Event
    attempt: int = 1


class Delivered(Struct, frozen=True, gc=False):
    """The place has the event, durably as far as it can tell."""


class Retry(Struct, frozen=True, kw_only=True, gc=False):
    """Not now. With `after_s` the place itself said when; otherwise the schedule decides."""

    reason: str
    after_s: float | None = None
    spends_attempt: bool = True
    """False where the fault is ours or a shutdown's, not the destination's."""


class Refused(Struct, frozen=True, kw_only=True, gc=False):
    """Never: this event will not be taken however often it is sent."""

    reason: str


Outcome = Delivered | Retry | Refused
DELIVERED = Delivered()


class Destination(Protocol):
    """Sends events to one place. Methods are called by one task, never at the same time."""

    ordered: bool
    """True: events must arrive in the log's order, so one that must wait holds those behind it."""

    async def open(self, checkpoint: str | None) -> None:
        """Make ready. `checkpoint` is what `checkpoint()` last returned and was kept, also before a crash.

        Raises DestinationError with a sentence for the operator; the worker tries again later.
        """
        ...

    async def send(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        """Send the events; return one outcome for each, in their order. Exceptions count as Retry for all.

        After a crash, events after the last kept position are sent again; a destination that can tell
        (by `checkpoint`, by event id) delivers them once.
        """
        ...

    def checkpoint(self) -> str | None:
        """Return the note that is kept together with the position of what was sent, or None."""
        ...

    async def close(self) -> None:
        """Release what `open` took. Called also after a failed `open`."""
        ...
