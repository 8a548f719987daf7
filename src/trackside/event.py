"""The event: an immutable fact, and what became of input that could not be one."""

import re
import sys
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Raw, Struct

EMPTY_OBJECT = Raw(b"{}")
"""The JSON object without members; what `data`, `context` and `extra` hold when the source had nothing."""
EMITTED = Raw(b'{"origin":"tracker"}')
"""The `extra` of an event that the platform's own tracker emitted: `data` and `context` are the application's."""
EMITTED_VALUE = Raw(b'{"origin":"tracker","data":"value"}')
"""The `extra` of one that was emitted with data that is no object: `data` holds it as the member `value`."""
EMITTED_SIGNAL = b'{"origin":"tracker","event_metadata":'
"""How the `extra` of an emitted event begins that was one of Open edX's signals; its data is an object."""
ERASED = "erased"
"""The `type` of an event that was erased: no source gives it. It stands in the log and goes nowhere."""
NOBODY = "nobody"
"""The `anonymous_id` of an emitted event without a user that was forwarded: the protocol asks for somebody."""


class Event(Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """One thing that happened, as the log keeps it.

    `data`, `context` and `extra` are JSON objects kept as the bytes they arrived in (compact, on one line,
    valid UTF-8, RFC 8259); nothing on the way decodes them unless it has to look inside.
    New fields are added at the end, with a default: the log stores events as arrays.
    """

    id: str
    """Stable across retries and deliveries: the client's message id, or one made on arrival. 1 to 100 characters."""
    name: str
    """What happened. For Segment's calls other than `track` it is the call's type (`identify`, `page`, …)."""
    type: str
    """track, identify, page, screen, group or alias; events of the platform's own tracker are `track`."""
    source: str
    """Name of the configured source that took the event in."""
    timestamp: datetime
    """When it happened by the server's clock, corrected; aware, UTC."""
    received_at: datetime
    """When the first byte of the request was here; aware, UTC; one value for a batch."""
    data: Raw
    """What happened in detail (Segment: `properties` or `traits`)."""
    context: Raw
    """What was around it (Segment: `context`, the batch's merged under the item's)."""
    user_id: str | None = None
    anonymous_id: str | None = None
    original_timestamp: str | None = None
    """The client's own text for when it happened, unchanged."""
    sent_at: str | None = None
    """The client's own text for when it sent, unchanged."""
    skew_ms: int | None = None
    """How far the client's clock seemed behind ours: received_at - sent_at; None where it did not say."""
    clock_flags: tuple[str, ...] = ()
    """What is doubtful about `timestamp`; the names are those of `clock.Flag`."""
    extra: Raw = EMPTY_OBJECT
    """What else the protocol carried (integrations, groupId, previousId, _metadata, …), under its own names."""

    def decoded_data(self) -> dict[str, Any]:
        """Return `data` as a dict."""
        return decode_object(self.data)

    def decoded_context(self) -> dict[str, Any]:
        """Return `context` as a dict."""
        return decode_object(self.context)

    def decoded_extra(self) -> dict[str, Any]:
        """Return `extra` as a dict."""
        return decode_object(self.extra)


def erased(event: Event) -> Event:
    """Return what stays of an event that is erased: its source, its times, and its id, which receivers have too."""
    return Event(
        id=event.id,
        name="trackside.erased",
        type=ERASED,
        source=event.source,
        timestamp=event.timestamp,
        received_at=event.received_at,
        data=EMPTY_OBJECT,
        context=EMPTY_OBJECT,
    )


def is_emitted(event: Event) -> bool:
    """Return whether `event` is in the form the platform's own tracker gives it."""
    extra = event.extra
    # a tuple: Raw has no hash
    return extra in (EMITTED, EMITTED_VALUE) or bytes(extra).startswith(EMITTED_SIGNAL)


class Reject(Struct, frozen=True, kw_only=True, gc=False):
    """Input that did not become an event: kept for a while so that somebody can see why."""

    source: str
    """Name of the source, or "" where none could be told (an unknown write key)."""
    received_at: datetime
    reason: str
    """A stable word for machines: `invalid_json`, `missing_identity`, `event_too_large`, …"""
    detail: str
    """One sentence for people: what, with which value, and the remedy."""
    body: bytes
    """The item or request as it arrived, cut to what the log is willing to keep."""


class Batch(Struct, frozen=True, kw_only=True, gc=False):
    """What one request brings into the log, in one commit."""

    events: tuple[Event, ...] | list[Event] = ()
    rejects: tuple[Reject, ...] | list[Reject] = ()
    size_bytes: int = 0
    """About how much memory the batch holds: the length of the decoded body."""


class NameFilter:
    """Tells whether an event's name matches one of some globs (`edx.course.*`, `page`); `*` matches dots too."""

    __slots__ = ("_known", "_pattern", "globs")

    def __init__(self, globs: Iterable[str]) -> None:
        self.globs = tuple(globs)
        parts = (
            "".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in g) for g in self.globs
        )
        self._pattern = re.compile("|".join(f"(?:{part})" for part in parts) or r"(?!)", re.DOTALL)
        self._known: dict[str, bool] = {}

    def matches(self, name: str) -> bool:
        """Return whether `name` as a whole matches any of the globs."""
        known = self._known.get(name)
        if known is None:
            if len(self._known) > 10_000:  # names come from outside: this must not grow with them
                self._known.clear()
            known = self._known[name] = self._pattern.fullmatch(name) is not None
        return known


def decode_object(raw: Raw) -> dict[str, Any]:
    """Return the JSON object in `raw` as a dict, also where a string in it holds a lone surrogate.

    A number beyond what a float holds (`1e400`) is the largest float: infinity is no JSON, and could not be written.
    """
    try:
        return _OBJECT.decode(raw)
    except msgspec.MsgspecError:
        import json  # the standard library's decoder takes lone surrogates and huge numbers

        decoded: dict[str, Any] = json.loads(bytes(raw), parse_int=_parse_int, parse_float=_parse_float)
        return decoded


def _parse_int(digits: str) -> int | float:
    try:
        return int(digits)
    except ValueError:  # more digits than Python reads: no source takes that, and nothing writes it
        return float(digits)


def _parse_float(digits: str) -> float:
    return max(-sys.float_info.max, min(float(digits), sys.float_info.max))


_OBJECT = msgspec.json.Decoder(dict[str, Any])
