"""Event of the platform's own tracker → the `track` call that Open edX's Segment backend makes of it.

The whole event is its properties; what Segment's context has names for is lifted out of the event's.
"""

from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import asdict

from trackside.emitted import encode_json
from trackside.event import EMITTED_VALUE, Event
from trackside.segment_mapping import segment_context

_ENCODER = msgspec.json.Encoder()
_VALUE = b'{"value":'


class _Around(Struct):
    """The members of the tracker's context that `segment_context` asks for."""

    client_id: Any = None
    ip: Any = None
    agent: Any = None
    path: Any = None
    referer: Any = None
    page: Any = None
    host: Any = None


_AROUND = msgspec.json.Decoder(_Around)


def whole_event(event: Event) -> Raw:
    """Return the event as its application emitted it: name, timestamp, data and context."""
    name = _ENCODER.encode(event.name)
    return Raw(
        b'{"name":%b,"timestamp":%b,"data":%b,"context":%b}'
        % (name, _time_text(event.timestamp), _data(event), bytes(event.context))
    )


def mapped_context(event: Event) -> Raw:
    """Return Segment's context of the event.

    Raises ValueError, TypeError and RecursionError for numbers and nesting that Python refuses.
    """
    try:
        return Raw(_ENCODER.encode(segment_context(asdict(_AROUND.decode(event.context)))))
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError):
        return Raw(encode_json(segment_context(event.decoded_context())))


def _time_text(moment: datetime) -> bytes:
    # as isoformat writes it, in a tenth of its time
    return _ENCODER.encode(moment.astimezone(UTC))[:-2] + b'+00:00"'


def _data(event: Event) -> bytes:
    data = bytes(event.data)
    if event.extra != EMITTED_VALUE:
        return data
    return (
        data[len(_VALUE) : -1] if data.startswith(_VALUE) else encode_json(event.decoded_data().get("value"))
    )
