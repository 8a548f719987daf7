"""The form in which emitted events travel to a Trackside server: its `/v1/batch`, as Segment's libraries use it.

A tracker's event becomes a `track` call with `data` as `properties` and `context` as it is. What the call has no
member for (that it is a tracker's) stands beside them, and the server keeps it from a source that is a `forwarder`.
There is no `sentAt`: the clock of a host is right, and a corrected time would not be the emitted one. So the
server's log has the event with the id, name, time, data, context, user and `extra` that it has here. What is other:
`received_at` is when the server received it, `original_timestamp` and `clock_flags` tell that no clock was
corrected, and `anonymous_id` is `NOBODY` where there is no user, because the protocol asks for somebody.
"""

from datetime import UTC, datetime

import msgspec
from msgspec import Raw, Struct

from trackside.event import NOBODY, Event
from trackside.sources.json_text import LONGEST_NUMBER, has_unreadable_number, is_deeper

ORIGIN = b'{"origin":"tracker"'
"""How the `extra` of every emitted event begins."""

_ENCODER = msgspec.json.Encoder()


class Call(Struct, frozen=True, omit_defaults=True, gc=False):
    """A `track` call but for what the event's `extra` adds."""

    messageId: str  # noqa: N815  # names of the protocol
    event: str
    timestamp: str
    properties: Raw
    context: Raw
    userId: str | None = None  # noqa: N815
    anonymousId: str | None = None  # noqa: N815


class Item(Struct, frozen=True, gc=False):
    """An event ready to be sent, or why no server would take it."""

    position: int
    event: Event
    text: bytes = b""
    problem: str = ""


def is_emitted(event: Event) -> bool:
    """Return whether a tracker emitted the event; a log that a server shares holds others too."""
    return bytes(event.extra).startswith(ORIGIN)


def to_item(position: int, event: Event, *, event_bytes: int, depth: int) -> Item:
    """Return the item of an emitted event. A server answers 200 to what it rejects, so that is found out here."""
    nobody = event.user_id is None and event.anonymous_id is None
    call = Call(
        messageId=event.id,
        event=event.name,
        timestamp=_text(event.timestamp),
        properties=event.data,
        context=event.context,
        userId=event.user_id,
        anonymousId=NOBODY if nobody else event.anonymous_id,
    )
    text = b'{"type":"track",%b,%b' % (bytes(event.extra)[1:-1], _ENCODER.encode(call)[1:])
    return Item(position, event, text, _problem(event, text, event_bytes, depth))


def to_body(items: list[Item]) -> bytes:
    """Return the body of the request that brings these items."""
    return b'{"batch":[%b]}' % b",".join(item.text for item in items)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _problem(event: Event, text: bytes, event_bytes: int, depth: int) -> str:
    if not event.name:
        return "it has no name"
    if len(text) > event_bytes:
        return f"it has {len(text)} bytes, and the server takes {event_bytes}"
    if is_deeper(text, depth):
        return f"it is nested in more than {depth} levels"
    if len(text) > LONGEST_NUMBER and has_unreadable_number(text):
        return f"it has a number of more than {LONGEST_NUMBER} digits"
    return ""
