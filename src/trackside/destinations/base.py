"""The contract of a destination."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Protocol

from msgspec import Meta, Struct

from trackside.event import Event
from trackside.log.subscription import Start


class DestinationSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every destination can be told; a kind's own declaration inherits from this one."""

    many: ClassVar[bool] = False
    """Whether there may be thousands of this kind.

    They share one reader of the log, and their steps are kept together: `checkpoint()` of theirs does not block.
    """

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

    disable_after_s: Annotated[
        float,
        Meta(
            description="After so long without one success the destination is paused, and its operator told; 0: never.",
            ge=0,
            le=31_536_000,
            extra_json_schema={"unit": "s"},
        ),
    ] = 0.0

    def delays_s(self) -> tuple[float, ...]:
        """Return the waits after the first, second, … failure of an event; it gets one attempt more."""
        return doubling_s(
            attempts=self.max_attempts, first_s=self.min_backoff_s, longest_s=self.max_backoff_s
        )


def doubling_s(*, attempts: int, first_s: float, longest_s: float) -> tuple[float, ...]:
    """Return waits that double from `first_s` up to `longest_s`, one less than attempts."""
    # the exponent is bounded: 2.0 ** 1024 overflows, and every wait is at its cap long before
    return tuple(min(first_s * 2.0 ** min(n, 60), longest_s) for n in range(attempts - 1))


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


class Filtered(Struct, frozen=True, gc=False):
    """Not asked for here, by what is in the event: it is counted, and passed."""


class Behind(Struct, frozen=True, kw_only=True, gc=False):
    """Nobody was asked: the event waits for one before it. It says nothing about the place."""

    reason: str
    after_s: float
    """When it is handed over again."""


class Unsent(Struct, frozen=True, kw_only=True, gc=False):
    """Nobody was asked: the event stays where it is, and spends no attempt.

    Without `rest_s` it is handed over again at once: for a destination that ends a long `send`, so that what it did
    is written down. At least one event of each `send` has another outcome, or a `rest_s`; else it rests for a second.
    """

    rest_s: float = 0.0
    """For so long the place is to be left alone, with everything."""
    reason: str | None = None
    """What operators are told while it rests; None where nothing is wrong."""


class Gone(Struct, frozen=True, kw_only=True, gc=False):
    """The place wants nothing any more: the destination is paused, as by an operator, until one resumes it.

    The event stays where it is, and spends no attempt.
    """

    reason: str


Outcome = Delivered | Filtered | Retry | Refused | Behind | Unsent | Gone
DELIVERED = Delivered()
FILTERED = Filtered()


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
