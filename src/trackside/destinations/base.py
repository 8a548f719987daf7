"""The contract of a destination."""

from collections.abc import Sequence
from typing import Annotated, Protocol

from msgspec import Meta, Struct

from trackside.event import Event
from trackside.log.base import Start


class DestinationSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every destination can be told; a kind's own declaration inherits from this one."""

    kind: Annotated[str, Meta(description="Which kind of destination this is.")] = ""
    enabled: Annotated[
        bool, Meta(description="Whether events are sent here; the place in the log is kept.")
    ] = True
    events: Annotated[
        tuple[str, ...], Meta(description="Globs of the event names that are sent; `*` matches dots too.")
    ] = ("*",)
    start: Annotated[
        Start, Meta(description="Where a new destination begins: the earliest event held, or the latest.")
    ] = "earliest"
    max_attempts: Annotated[
        int, Meta(description="How often one event is tried before it is a dead letter.", ge=1, le=1_000)
    ] = 20
    min_backoff_s: Annotated[
        float,
        Meta(
            description="Wait after the first failure; it doubles with each further one.",
            ge=0.1,
            le=86_400,
            extra_json_schema={"unit": "s"},
        ),
    ] = 5.0
    max_backoff_s: Annotated[
        float,
        Meta(
            description="Longest wait between attempts.", ge=0.1, le=604_800, extra_json_schema={"unit": "s"}
        ),
    ] = 3_600.0


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
    """True: events must arrive in the log's order, so one that must wait holds those behind it.

    Such a destination stops at the first event it cannot take: Retry for it and for all behind it.
    """

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
        """Return the note that is kept together with the position of what was sent, or None.

        What was sent so far is as durable as it gets once this returns. It may block (fsync): the worker
        calls it in a thread. It is asked for right after `open` too, and that note is kept before anything
        is sent. When it raises, nothing sent since the last note counts: the worker closes, opens and sends
        again.
        """
        ...

    async def close(self) -> None:
        """Release what `open` took. Called also after a failed `open`."""
        ...
