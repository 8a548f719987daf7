"""Event in the platform's own form → the line the LMS writes for it, byte for byte.

What it says is what eventtracking's LoggerBackend logs behind the LMS's processors: the fields that older readers
look for at the top are moved there out of the context, and events of the newer dotted names get the types and
fields that older analyses know. How it says it is `json.dumps` as that calls it: a space after comma and colon,
nothing but ASCII.
Source: event-tracking 4.0.2, `common/djangoapps/track/shim.py` of the platform (June 2026).
"""

import json
from datetime import UTC
from typing import Any

from trackside.event import EMITTED, EMITTED_VALUE, Event
from trackside.processors.legacy_fields import LegacyFieldMappingProcessor
from trackside.processors.prefixed import PrefixedEventProcessor

# To space out what is encoded already, and to look for what json.dumps would write otherwise, is no cheaper.
_dump = json.JSONEncoder(allow_nan=False).encode
_to_line = LegacyFieldMappingProcessor()
_transform = PrefixedEventProcessor()


def is_emitted(event: Event) -> bool:
    """Return whether `event` is in the form the platform's own tracker gives it."""
    return event.extra == EMITTED or event.extra == EMITTED_VALUE  # Raw has no hash


def render_emitted(event: Event) -> bytes:
    """Return the line of `event`, without its end.

    Raises ValueError and RecursionError for numbers and nesting that Python refuses; nobody can emit these.
    """
    data: Any = event.decoded_data()
    if event.extra == EMITTED_VALUE:
        data = data["value"]
    line = _to_line(
        {
            "name": event.name,
            "context": event.decoded_context(),
            "data": data,
            "timestamp": event.timestamp.astimezone(UTC).isoformat(),
        }
    )
    transformed = _transform(line)
    return _dump(line if transformed is None else transformed).encode()
