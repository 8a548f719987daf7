"""The JSON of an event: compact for the log, spaced for lines, and the same stand-ins for what JSON has not."""

import codecs
import json
import re
import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime
from json.encoder import encode_basestring_ascii
from typing import Any

import msgspec

from trackside.errors import TracksideError

_DELETE = "\x7f"


class Unencodable(TracksideError, TypeError):  # noqa: N818  # said of a value, as `json` says it by TypeError
    """A value has no JSON: it contains itself, is nested too deep, or is of a type nobody can tell."""


def encode_json(value: Any) -> bytes:
    """Return `value` as compact JSON (RFC 8259, UTF-8).

    Times are ISO 8601 in UTC, a naive one is read as UTC; UUID, Decimal and lazy texts become text, sets and
    tuples arrays, bytes base64, NaN and infinities null; keys become text. Raises Unencodable.
    """
    try:
        encoded = _ENCODER.encode(plain(value) if _is_odd_dict(value) else value)
        if _TIME.search(encoded):
            encoded = _ENCODER.encode(_zoned(value))
        return encoded
    except (TypeError, ValueError, OverflowError):
        pass
    except RecursionError:
        raise Unencodable("the value contains itself or is nested too deep") from None
    return _dumps_plain(value, (",", ":")).encode("ascii")


def dumps(value: Any) -> str:
    """Return `value` as the text that the standard library's `json.dumps` makes of it, several times faster.

    In ASCII, with a space after commas and colons; times end in `+00:00`. What is not JSON's own becomes what
    `encode_json` makes of it. Floats may have another, equal notation (`1e16` for `1e+16`). Raises Unencodable.
    """
    simple, times = value, 0
    if type(value) is dict:
        payload = value["event"] if "event" in value else value.get("data")
        if type(payload) is not dict and isinstance(payload, dict):  # as _is_odd_dict
            return _dumps_plain(value, (", ", ": "))
        simple, times = _with_known_times_as_text(value)
    try:
        encoded = _ENCODER.encode(simple)
        if len(_TIME.findall(encoded)) > times:
            encoded = _ENCODER.encode(_zoned(simple))
    except (TypeError, ValueError, OverflowError, RecursionError):
        return _dumps_plain(value, (", ", ": "))
    text = msgspec.json.format(encoded, indent=0).decode()
    if _DELETE in text:
        text = text.replace(_DELETE, "\\u007f")  # the one character of ASCII that only `json` escapes
    return in_ascii(text)


def in_ascii(text: str) -> str:
    """Return JSON in ASCII, with an escape for every other character."""
    return text if text.isascii() else text.encode("ascii", _ESCAPE).decode("ascii")


def _is_odd_dict(value: Any) -> bool:
    """Return whether `value` is a dict whose items may not be what it holds, like those of Django's QueryDict."""
    return type(value) is not dict and isinstance(value, dict)


def _with_known_times_as_text(event: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """Return `event` with text for times where events have them, and how many these are.

    To know them spares most events the walk through everything.
    """
    times = 0
    key = "time" if "time" in event else "timestamp"
    moment = event.get(key)
    if type(moment) is datetime:
        event = event.copy()
        event[key] = _isoformat(moment)
        times = 1
    context = event.get("context")
    if type(context) is dict and type(moment := context.get("received_at")) is datetime:
        event = {**event, "context": {**context, "received_at": _isoformat(moment)}}
        times += 1
    return event, times


def _isoformat(moment: datetime) -> str:
    """Return what `isoformat` says of the time in UTC, in a fifth of its time."""
    if moment.tzinfo is not UTC:
        return _in_utc(moment).isoformat()
    return _ENCODER.encode(moment)[1:-2].decode("ascii") + "+00:00"


def _escaped(error: UnicodeError) -> tuple[str, int]:
    """Return what stands in ASCII for the characters that could not be encoded, and where to go on."""
    assert isinstance(error, UnicodeEncodeError)  # noqa: S101  # it is registered for encoding alone
    return encode_basestring_ascii(error.object[error.start : error.end])[1:-1], error.end


_ESCAPE = "trackside.json"
codecs.register_error(_ESCAPE, _escaped)


def _dumps_plain(value: Any, separators: tuple[str, str]) -> str:
    # what msgspec refuses: lone surrogates, integers beyond 64 bits, keys of other types
    try:
        return json.dumps(plain(value), separators=separators, allow_nan=False)
    except Unencodable:
        raise
    except RecursionError:
        raise Unencodable("the value contains itself or is nested too deep") from None
    except Exception as error:
        raise Unencodable(f"the value cannot be read: {type(error).__name__}") from error


_PLAIN_ATOMS = frozenset({str, int, float, bool, type(None)})


def _zoned(value: Any) -> Any:
    """Return `value` with text that ends in its offset from UTC for every time."""
    kind = type(value)
    if kind in _PLAIN_ATOMS:
        return value
    if kind is datetime:
        return _in_utc(value).isoformat()
    if kind is dict:
        return {k: v if type(v) in _PLAIN_ATOMS else _zoned(v) for k, v in value.items()}
    if kind is list or kind is tuple:
        return [v if type(v) in _PLAIN_ATOMS else _zoned(v) for v in value]
    return plain(value)


def plain(value: Any) -> Any:
    """Return `value` in the types that JSON has: dict with text keys, list, str, int, float, bool, None.

    Never shares a container with `value`. Raises Unencodable, and RecursionError where it contains itself.
    """
    if type(value) is datetime:
        return _in_utc(value).isoformat()
    match value:
        case None | bool():
            return value
        case str():
            return str.__str__(value)  # the text itself also where a subclass (an Enum) shows another
        case int():
            return int(value)
        case float():
            return float(value) if value - value == 0 else None  # NaN and infinities are no numbers in JSON
        case Mapping():
            return {_key(k): plain(v) for k, v in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(v) for v in value]
    return plain(known_as_json(value))


def _key(key: Any) -> str:
    if isinstance(key, str):
        return str.__str__(key)
    simple = plain(key) if not isinstance(key, tuple) else str(key)
    return simple if isinstance(simple, str) else json.dumps(simple)


def known_as_json(value: Any) -> Any:
    """Return what stands in JSON for a value of a type JSON does not have; Unencodable for unknown types."""
    if isinstance(value, datetime):
        return _in_utc(value).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if _is_text_like(value):
        return str(value)
    if isinstance(value, set | frozenset):
        return list(value)
    if isinstance(value, Mapping):
        return dict(value)
    try:
        return msgspec.to_builtins(value, str_keys=True, builtin_types=(datetime,))
    except (TypeError, ValueError, OverflowError):
        kind = type(value)
        raise Unencodable(f"{kind.__module__}.{kind.__qualname__} has no JSON") from None


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is UTC:
        return moment
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    try:
        return aware.astimezone(UTC)
    except OverflowError:  # the first or the last day of the calendar, in another zone
        return aware


def _is_text_like(value: Any) -> bool:
    # looked up, not imported: where neither is loaded, no value can be one of them
    django = sys.modules.get("django.utils.functional")
    if django is not None and isinstance(value, django.Promise):
        return True
    keys = sys.modules.get("opaque_keys")
    return keys is not None and isinstance(value, keys.OpaqueKey)


class DateTimeJSONEncoder(json.JSONEncoder):
    """Encodes what `encode_json` does, in the form of the standard library's `json`.

    A naive datetime is read as UTC, an aware one is converted to it; both end in `+00:00`.
    """

    def default(self, o: Any) -> Any:
        """Return what stands for `o` in JSON; TypeError where nothing does."""
        try:
            return known_as_json(o)
        except Unencodable as error:
            raise TypeError(str(error)) from None


_ENCODER = msgspec.json.Encoder()
_TIME = re.compile(rb"T[012]\d:")
"""What may be a datetime in JSON; msgspec leaves a naive one without zone, and others in theirs."""
