"""The event as a JSON object: what receivers of JSON get, what the paths in settings mean, what stands in files."""

import re
from datetime import datetime

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType
from msgspec.structs import replace

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


def json_line(event: Event) -> bytes:
    """Return the object on one line, without its end; half of a surrogate pair in the event's own texts becomes `?`."""
    try:
        line = json_body(event)
    except UnicodeEncodeError:
        line = json_body(encodable(event))
    # sources keep JSON on one line; should one not have, a space between its tokens says the same
    return line.replace(b"\n", b" ") if b"\n" in line else line


def without_half_pairs(json_text: bytes) -> bytes:
    """Return the JSON with U+FFFD for each escape that is half of a surrogate pair.

    It is JSON, and a browser may send it; but DuckDB reads no file that has one, and PostgreSQL stores none.
    """
    if not may_have_half_pairs(json_text):
        return json_text
    return _ESCAPES.sub(lambda found: b"\\ufffd" if found[1] else found[0], json_text)


def may_have_half_pairs(json_text: bytes) -> bool:
    """Return False where there is surely no half of a surrogate pair; that costs next to nothing."""
    return b"\\" in json_text and _MAYBE_HALF.search(json_text) is not None


_MAYBE_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
_ESCAPES = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a whole pair
    rb"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"  # half of one
    rb"|\\."  # any other escape, so that the second of two backslashes begins none
)


def encodable(event: Event) -> Event:
    """Return `event` with a question mark for each half of a surrogate pair in its own texts."""
    changed = {
        name: value.encode("utf-8", "replace").decode()
        for name in event.__struct_fields__
        if isinstance(value := getattr(event, name), str)
    }
    return replace(event, **changed)


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
