"""The event as a JSON object: what receivers of the formats json and cloudevents get, and what paths mean."""

from datetime import datetime

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from trackside.document.encoding import Document
from trackside.event import EMPTY_OBJECT, Event

_ENCODER = msgspec.json.Encoder()

ROOTS = frozenset(
    {
        *("id", "name", "type", "timestamp", "received_at", "source", "user_id", "anonymous_id"),
        *("data", "context", "original_timestamp", "sent_at", "extra"),
    }
)
"""What a path begins with."""
ALWAYS_SENT = ("id", "name", "timestamp")


class EventObject(Struct, frozen=True, kw_only=True, gc=False):
    """The members of the object, in their order; those that may be unset are missing where there is nothing."""

    id: str
    name: str
    type: str
    timestamp: datetime
    received_at: datetime
    source: str
    user_id: str | None
    anonymous_id: str | None
    data: Raw
    context: Raw
    original_timestamp: str | UnsetType = UNSET
    sent_at: str | UnsetType = UNSET
    extra: Raw | UnsetType = UNSET


def event_object(event: Event) -> EventObject:
    """Return the object of an event."""
    return EventObject(
        id=event.id,
        name=event.name,
        type=event.type,
        timestamp=event.timestamp,
        received_at=event.received_at,
        source=event.source,
        user_id=event.user_id,
        anonymous_id=event.anonymous_id,
        data=event.data,
        context=event.context,
        original_timestamp=event.original_timestamp or UNSET,
        sent_at=event.sent_at or UNSET,
        extra=UNSET if event.extra == EMPTY_OBJECT else event.extra,
    )


def json_body(event: Event) -> bytes:
    """Return the object as compact JSON; `data`, `context` and `extra` byte for byte as they came in."""
    return _ENCODER.encode(event_object(event))


def document(event: Event) -> Document:
    """Return the object decoded. Raises ValueError or RecursionError where it cannot be looked into."""
    shown = event_object(event)
    found: Document = {}
    for name in EventObject.__struct_fields__:
        value = getattr(shown, name)
        if value is UNSET:
            continue
        match value:
            case datetime():
                found[name] = iso(value)
            case Raw():
                found[name] = getattr(event, f"decoded_{name}")()
            case _:
                found[name] = value
    return found


def iso(moment: datetime) -> str:
    """Return an aware moment in UTC as the format json has it: 2026-11-20T12:00:00Z."""
    return moment.isoformat().replace("+00:00", "Z")
