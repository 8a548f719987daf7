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

import msgspec

from trackside.event import EMITTED_VALUE, Event
from trackside.processors.legacy_fields import LegacyFieldMappingProcessor
from trackside.processors.prefixed import PrefixedEventProcessor

_dump = json.JSONEncoder(allow_nan=False).encode
_encode = msgspec.json.Encoder().encode
_DELETE = 0x7F
_Processors = tuple[LegacyFieldMappingProcessor, PrefixedEventProcessor]
_QUICKLY: _Processors = (LegacyFieldMappingProcessor(), PrefixedEventProcessor())
_EXACTLY: _Processors = (LegacyFieldMappingProcessor(_dump), PrefixedEventProcessor(dumps=_dump))
"""The quick ones write some numbers otherwise, also in the text that an event of a browser is."""


def render_emitted(event: Event) -> bytes:
    """Return the line of `event`, without its end.

    Raises ValueError and RecursionError for numbers and nesting that Python refuses; nobody can emit these.
    """
    try:
        line = _line(event, _USUAL.decode(event.context), _USUAL.decode(event.data), _QUICKLY)
        text = msgspec.json.format(_encode(line), indent=0)
        # what json.dumps writes as escapes, and in digits of its own
        if text.isascii() and _DELETE not in text and b"\\u" not in text:
            return text
    except (msgspec.MsgspecError, ValueError, OverflowError, TypeError):
        pass
    line = _line(event, event.decoded_context(), event.decoded_data(), _EXACTLY)
    return _dump(line).encode()


def _line(event: Event, context: dict[str, Any], data: Any, processors: _Processors) -> dict[str, Any]:
    to_line, transform = processors
    if event.extra == EMITTED_VALUE:
        data = data["value"]
    # many events say their time in the context, and isoformat takes long
    moment = None if "timestamp" in context else event.timestamp.astimezone(UTC).isoformat()
    line = to_line({"name": event.name, "context": context, "data": data, "timestamp": moment})
    return transform(line) or line


def _usual_float(digits: str) -> float:
    """Return the number; ValueError where Python and msgspec write it differently: with an exponent, or infinite."""
    number = float(digits)
    written = repr(number)
    if "e" in written or "inf" in written:
        raise ValueError
    return number


_USUAL = msgspec.json.Decoder(dict[str, Any], float_hook=_usual_float)
