"""CloudEvents 1.0 in the structured JSON form. Source: the specification and its JSON format, 1.0.2, 2022."""

import re
from urllib.parse import quote

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from trackside.destinations.event_json import iso
from trackside.event import Event

CONTENT_TYPE = "application/cloudevents+json"

_ENCODER = msgspec.json.Encoder()
_NOT_IN_ATTRIBUTES = re.compile(r"[\x00-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff]")


class CloudEvent(Struct, frozen=True, kw_only=True, gc=False):
    """The attributes of an event; `data` is the object of the format json."""

    specversion: str
    id: str
    source: str
    type: str
    time: str
    datacontenttype: str = "application/json"
    subject: str | UnsetType = UNSET
    data: Raw


def cloud_event_body(event: Event, data: bytes, *, user_id: str | None) -> bytes:
    """Return the event around `data`; `subject` is the user, where the receiver may know.

    Attributes can have no control characters: each becomes U+FFFD.
    """
    return _ENCODER.encode(
        CloudEvent(
            specversion="1.0",
            id=_text(event.id),
            source=f"/sources/{quote(event.source, safe='')}",
            type=_text(event.name) or "unnamed",
            time=iso(event.timestamp),
            subject=_text(user_id) if user_id else UNSET,
            data=Raw(data),
        )
    )


def _text(text: str) -> str:
    return _NOT_IN_ATTRIBUTES.sub("\ufffd", text)
