"""The event as a row: what stands in tables and in files with columns."""

from datetime import datetime
from typing import Final

from msgspec import Struct

from trackside.destinations.event_json import encodable, without_half_pairs
from trackside.event import Event


class Row(Struct, frozen=True, array_like=True, gc=False):
    """An event in columns; `data`, `context` and `extra` are JSON text."""

    id: str
    name: str
    type: str
    source: str
    user_id: str | None
    anonymous_id: str | None
    timestamp: datetime
    received_at: datetime
    original_timestamp: str | None
    sent_at: str | None
    data: str
    context: str
    extra: str


COLUMNS: Final = Row.__struct_fields__


def to_row(event: Event) -> Row:
    """Return the row of an event; what no UTF-8 can say in its own texts becomes `?`, in its JSON U+FFFD."""
    row = _row(event)
    try:
        "".join(
            filter(None, (row.id, row.name, row.user_id, row.anonymous_id, row.source, row.type))
        ).encode()
        "".join(filter(None, (row.original_timestamp, row.sent_at))).encode()
    except UnicodeEncodeError:
        return _row(encodable(event))
    return row


def _row(event: Event) -> Row:
    return Row(
        event.id,
        event.name,
        event.type,
        event.source,
        event.user_id,
        event.anonymous_id,
        event.timestamp,
        event.received_at,
        event.original_timestamp,
        event.sent_at,
        without_half_pairs(bytes(event.data)).decode(),
        without_half_pairs(bytes(event.context)).decode(),
        without_half_pairs(bytes(event.extra)).decode(),
    )
