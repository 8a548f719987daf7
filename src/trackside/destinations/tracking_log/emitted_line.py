"""Event of the platform's own tracker → the line the LMS writes for it, byte for byte.

What it says is what eventtracking's LoggerBackend logs behind the LMS's LegacyFieldMappingProcessor: the
fields that older readers look for at the top are moved there out of the context. How it says it is
`json.dumps` as that calls it: a space after comma and colon, nothing but ASCII.
Source: event-tracking 4.0.2, `common/djangoapps/track/shim.py` of the platform (June 2026).
"""

import json
from datetime import UTC
from typing import Any

from trackside.event import EMITTED, EMITTED_VALUE, Event

MOVED = ("username", "session", "ip", "agent", "host", "referer", "accept_language")
"""What the context says and the line has at its top; an empty text where the context does not say it."""

# To space out what is encoded already, and to look for what json.dumps would write otherwise, is no cheaper.
_dump = json.JSONEncoder(allow_nan=False).encode


def is_emitted(event: Event) -> bool:
    """Return whether the platform's own tracker emitted `event`."""
    return event.extra == EMITTED or event.extra == EMITTED_VALUE  # Raw has no hash


def render_emitted(event: Event) -> bytes:
    """Return the line of `event`, without its end.

    Raises ValueError and RecursionError for numbers and nesting that Python refuses; nobody can emit these.
    """
    context = event.decoded_context()
    data: Any = event.decoded_data()
    line: dict[str, Any] = {"name": event.name, "context": context}
    for name in MOVED:
        line[name] = context.pop(name, "")
    context.pop("client_id", None)  # of use to one vendor only
    if event.extra == EMITTED_VALUE:
        data = data["value"]
    elif context.get("event_source") == "browser":
        data = _dump(
            data
        )  # browsers send their payload as text, and every reader of these lines expects it so
    line["event"] = data
    moment = event.timestamp.astimezone(UTC).isoformat()
    line["time"] = context.pop("timestamp", moment)
    line["event_type"] = context.pop("event_type", event.name)
    line["event_source"] = context.pop("event_source", "server")
    line["page"] = context.pop("page", None)
    return _dump(line).encode()
