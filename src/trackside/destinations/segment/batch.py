"""Calls → requests, within Segment's limits."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

from trackside.destinations.base import Delivery, Filtered, Outcome, Refused
from trackside.destinations.segment.call import to_call
from trackside.destinations.segment.settings import SegmentSettings
from trackside.emitted import Unencodable
from trackside.event import Event

FRAME_BYTES = 1_024
"""What a request has beside its calls, at the most: the write key, the time, brackets."""

_ENCODER = msgspec.json.Encoder()


class Batch(Struct, frozen=True, gc=False):
    """The calls of one request, and which of the deliveries each of them is."""

    numbers: Sequence[int]
    calls: Sequence[bytes]
    retries: int
    """How often the first of them was tried before."""

    def halves(self) -> "tuple[Batch, Batch]":
        """Return the same in two requests, which are tried for the first time."""
        middle = len(self.calls) // 2
        return (
            Batch(self.numbers[:middle], self.calls[:middle], 0),
            Batch(self.numbers[middle:], self.calls[middle:], 0),
        )


def cut(deliveries: Sequence[Delivery], limits: SegmentSettings, outcomes: list[Outcome]) -> Iterator[Batch]:
    """Return the deliveries as batches, in their order; one is made when it is asked for.

    What is not for Segment, or too large for it, is in none of them: its outcome is put into `outcomes`.
    """
    numbers: list[int] = []
    calls: list[bytes] = []
    room = limits.batch_bytes - FRAME_BYTES
    size = 0
    for number, delivery in enumerate(deliveries):
        call = _call(delivery.event, limits.event_bytes)
        if not isinstance(call, bytes):
            outcomes[number] = call
            continue
        if len(calls) == limits.batch_events or size + len(call) >= room:
            yield Batch(numbers, calls, deliveries[numbers[0]].attempt - 1)
            numbers, calls, size = [], [], 0
        numbers.append(number)
        calls.append(call)
        size += len(call) + 1
    if calls:
        yield Batch(numbers, calls, deliveries[numbers[0]].attempt - 1)


def to_body(batch: Batch, write_key: str, sent_at: datetime) -> bytes:
    """Return the body of the request; `sent_at` belongs to this attempt alone."""
    frame = _ENCODER.encode({"writeKey": write_key, "sentAt": sent_at})
    return b'%b,"batch":[%b]}' % (frame[:-1], b",".join(batch.calls))


def _call(event: Event, event_bytes: int) -> bytes | Filtered | Refused:
    try:
        call = to_call(event)
    except (ValueError, RecursionError, Unencodable) as error:
        return Refused(reason=f"cannot be written as a call: {type(error).__name__}")
    if isinstance(call, bytes) and len(call) > event_bytes:
        return Refused(reason=f"has {len(call):,} bytes as a call; Segment takes {event_bytes:,}")
    return call
