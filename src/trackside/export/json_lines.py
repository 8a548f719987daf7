"""An event as a line of JSON: its position and all its fields (docs/reference/event.md)."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import astuple

from trackside.destinations.event_json import encodable, may_have_half_pairs, without_half_pairs
from trackside.event import Event

_ENCODER = msgspec.json.Encoder()


class EventLine(Struct, frozen=True, gc=False):
    """The members of the object: `position`, then the fields of an event in their order."""

    position: int
    id: str
    name: str
    type: str
    source: str
    timestamp: datetime
    received_at: datetime
    data: Raw
    context: Raw
    user_id: str | None
    anonymous_id: str | None
    original_timestamp: str | None
    sent_at: str | None
    skew_ms: int | None
    clock_flags: tuple[str, ...]
    extra: Raw


def render(positions: Sequence[int], events: Sequence[Event]) -> tuple[bytes, int]:
    """Return a line for each event, with its end, and 0: each event has one.

    Half of a surrogate pair becomes `?` in an event's own texts and U+FFFD in its JSON, as in all files.
    """
    try:
        block = _encode(positions, events)
    except UnicodeEncodeError:
        block = _encode(positions, list(map(encodable, events)))
    if may_have_half_pairs(block):  # then only the lines that may have one are looked through
        block = b"\n".join(map(without_half_pairs, block.split(b"\n")))
    return block, 0


def _encode(positions: Sequence[int], events: Sequence[Event]) -> bytes:
    lines = [EventLine(position, *astuple(event)) for position, event in zip(positions, events, strict=True)]
    block = _ENCODER.encode_lines(lines)
    if _count_lines(block) == len(lines):
        return block
    # a source that kept line breaks between the tokens of its JSON: a space there says the same
    return b"".join(_ENCODER.encode(line).replace(b"\n", b" ") + b"\n" for line in lines)


def _count_lines(block: bytes) -> int:
    """Return how many line ends there are; long lines need a fraction of the time that `bytes.count` takes."""
    count, at = 0, block.find(b"\n")
    while at >= 0:
        count, at = count + 1, block.find(b"\n", at + 1)
    return count
