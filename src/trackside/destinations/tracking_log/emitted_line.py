"""Event of the platform's own tracker → the line the LMS writes for it, byte for byte.

What it says is what eventtracking's LoggerBackend logs behind the LMS's LegacyFieldMappingProcessor: the
fields that older readers look for at the top are moved there out of the context. How it says it is
`json.dumps` as that calls it: a space after comma and colon, nothing but ASCII.
Source: event-tracking 4.0.2, `common/djangoapps/track/shim.py` of the platform (June 2026).
"""

import json
import re
from datetime import UTC

import msgspec
from msgspec import Raw

from trackside.destinations.tracking_log.raw_json import encode_members, members_or_whole, on_one_line
from trackside.event import EMITTED, EMITTED_VALUE, Event

MOVED = ("username", "session", "ip", "agent", "host", "referer", "accept_language")
"""What the context says and the line has at its top; an empty text where the context does not say it."""

_VALUE = b'{"value":'
_EMPTY = Raw(b'""')
_BROWSER = Raw(b'"browser"')
_EXPONENT = re.compile(rb"e-?[0-9]+[,}\]]").search
_ENCODER = msgspec.json.Encoder()


def is_emitted(event: Event) -> bool:
    """Return whether the platform's own tracker emitted `event`."""
    return event.extra == EMITTED or event.extra == EMITTED_VALUE  # Raw has no hash


def render_emitted(event: Event) -> bytes:
    """Return the line of `event`, without its end. Raises UnicodeEncodeError for half a surrogate pair."""
    context = members_or_whole(event.context, "context")
    line: dict[str, object] = {"name": event.name, "context": {}}
    for name in MOVED:
        line[name] = context.pop(name, _EMPTY)
    context.pop("client_id", None)  # of use to one vendor only
    line["event"] = _payload(event, from_browser=context.get("event_source") == _BROWSER)
    line["time"] = context.pop("timestamp", None) or event.timestamp.astimezone(UTC).isoformat()
    line["event_type"] = context.pop("event_type", event.name)
    line["event_source"] = context.pop("event_source", "server")
    line["page"] = context.pop("page", None)
    line["context"] = Raw(encode_members(context))
    return as_dumped(_ENCODER.encode(line))


def _payload(event: Event, *, from_browser: bool) -> Raw:
    """Return what was emitted; an object from a browser as the text of its JSON, as every reader expects it."""
    text = bytes(event.data)
    if event.extra == EMITTED_VALUE:
        return Raw(text.removeprefix(_VALUE)[:-1])
    return Raw(_ENCODER.encode(as_dumped(text).decode())) if from_browser else event.data


def as_dumped(text: bytes) -> bytes:
    """Return the JSON in `text` in the form of the standard library's `json.dumps`.

    What that cannot read (a number of 5,000 digits) stays as it is, on one line.
    """
    try:
        # msgspec's own formatter has the same form, in a tenth of the time, but for what is odd
        return json.dumps(json.loads(text)).encode() if _is_odd(text) else msgspec.json.format(text, indent=0)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return on_one_line(text)


def _is_odd(text: bytes) -> bool:
    """Return whether `text` has a character or a number that `json.dumps` writes in its own way, or might."""
    return (
        not text.isascii()
        or b"\x7f" in text
        or (b"\\" in text and (b"\\u" in text or b"\\/" in text))
        or b"0.0000" in text  # 1e-05
        or _EXPONENT(text) is not None  # 1e+16
    )
