"""An emitted event as a call of Segment's `track`: who, what, when, and the context under Segment's names.

A pure function of the event, for all who send to Segment: the backend in a process, direct calls of a Django site,
the destination. Source of the names: the Segment backend of Open edX (its published documentation, 2025-01) and
Segment's specification of `context`.
"""

import math
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Any
from urllib.parse import urlunsplit

from msgspec import Struct

from trackside.clock import parse_timestamp
from trackside.emitted import Unencodable, encode_json, known_as_json

_KEPT = frozenset({str, int, bool, type(None), datetime, date, Decimal})
"""Types that Segment's library itself knows how to write."""


class SegmentCall(Struct, frozen=True, kw_only=True):
    """The arguments of `track`."""

    user_id: Any
    event: Any
    properties: Mapping[str, Any]
    """The whole event: name, timestamp, data and context."""
    context: dict[str, Any]
    timestamp: datetime | None
    """When it happened; None where the event does not say."""
    message_id: str | None
    """The same each time the same event is sent, so that Segment takes it once."""


def to_segment_call(event: Mapping[str, Any], message_id: str | None = None) -> SegmentCall | None:
    """Return the call, or None for an event without a name or without a user: Segment takes neither.

    Without `message_id` one is made from the event's content, where it has a time.
    """
    context = event.get("context")
    name = event.get("name")
    if not isinstance(context, Mapping) or name is None or context.get("user_id") is None:
        return None
    timestamp = _moment(event.get("timestamp"))
    if message_id is None and timestamp is not None:
        message_id = content_id(event)
    return SegmentCall(
        user_id=context["user_id"],
        event=name,
        properties=_writable(event),
        context=segment_context(context),
        timestamp=timestamp,
        message_id=message_id,
    )


def segment_context(context: Mapping[str, Any]) -> dict[str, Any]:
    """Return Segment's context: `Google Analytics`, `ip`, `userAgent` and `page`, as far as they are known."""
    found: dict[str, Any] = {}
    if (client_id := context.get("client_id")) is not None:
        found["Google Analytics"] = {"clientId": client_id}
    if (ip := context.get("ip")) is not None:
        found["ip"] = ip
    if (agent := context.get("agent")) is not None:
        found["userAgent"] = agent
    if page := _page(context):
        found["page"] = page
    return found


def content_id(event: Mapping[str, Any]) -> str | None:
    """Return an id that follows from all that the event says, or None where it cannot be written down."""
    try:
        text = encode_json([event.get(member) for member in ("name", "timestamp", "data", "context")])
    except Unencodable:
        return None
    return blake2b(text, digest_size=16).hexdigest()


def _page(context: Mapping[str, Any]) -> dict[str, Any]:
    path, referrer, url = context.get("path"), context.get("referer"), context.get("page")
    host = context.get("host")
    if path and host and not url and isinstance(path, str) and isinstance(host, str):
        url = urlunsplit(("https", host, path, "", ""))
    members = {"path": path, "referrer": referrer, "url": url}
    return {name: value for name, value in members.items() if value is not None}


def _moment(timestamp: object) -> datetime | None:
    if isinstance(timestamp, str):
        return parse_timestamp(timestamp)
    if not isinstance(timestamp, datetime):
        return None
    return timestamp.replace(tzinfo=UTC) if timestamp.tzinfo is None else timestamp


def _writable(value: Any) -> Any:
    """Return `value` with what Segment's library would drop, or write as no JSON, in a form that it keeps.

    What needs no change is the object it was.
    """
    kind = type(value)
    if kind in _KEPT:
        return value
    if kind is float:
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        changed = {key: _writable(member) for key, member in value.items()}
        same = all(changed[key] is member for key, member in value.items())
        return value if same else changed
    if isinstance(value, list | tuple | set | frozenset):
        items = [_writable(item) for item in value]
        return value if all(a is b for a, b in zip(items, value, strict=True)) else items
    try:
        return known_as_json(value)
    except Unencodable:
        return value
