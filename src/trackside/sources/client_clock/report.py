"""What a client reports, read as AppRTC's analytics page reads it: strictly first, then as Python would.

Source: `src/app_engine/analytics_page.py` and `analytics.py` of AppRTC (commit 82157d6), which ran on Python 2.
"""

import json
import math
from typing import Any, Literal

import msgspec
from msgspec import Raw, Struct

from trackside.sources.client_clock.enums import CLIENT_TYPES, EVENT_TYPES, name_of
from trackside.sources.client_clock.refusal import (
    NO_EVENT,
    NO_EVENT_TYPE,
    NO_REQUEST_TIME,
    NO_TYPE,
    NOT_A_REPORT,
    NOT_AN_EVENT,
    UNKNOWN_TYPE,
    invalid_time,
)
from trackside.sources.json_text import LONGEST_NUMBER, has_lines, has_unreadable_number, one_line, repair
from trackside.sources.refusal import INVALID_JSON, UNREADABLE_NUMBER, RefusedError

_ABSENT = Raw(b"")
_NULL = Raw(b"null")
_EVENT = "event"


class Report(Struct, frozen=True, gc=False):
    """One event as its client reports it."""

    event_type: str
    client_type: str | None
    event_ms: float
    """When it happened, in milliseconds since 1970 by the client's clock."""
    request_ms: float
    """When it was sent, by the same clock."""
    event_time: str
    """The client's own text of `event_ms`."""
    request_time: str
    data: Raw
    """The names of the types and the event's other members; ready to be stored."""


class _Event(Struct, forbid_unknown_fields=True, gc=False):
    event_type: int | str
    event_time_ms: Raw
    room_id: Raw = _ABSENT
    flow_id: Raw = _ABSENT


class _Report(Struct, gc=False):
    type: Literal["event"]
    request_time_ms: Raw
    event: _Event
    client_type: int | str | None = None


class _Texts(Struct, gc=False):
    request_time_ms: Raw
    event: dict[str, Raw]


_STRICT = msgspec.json.Decoder(_Report)
_TEXTS = msgspec.json.Decoder(_Texts)
_ENCODER = msgspec.json.Encoder()


def read_report(body: bytes) -> Report:
    """Return what a body in UTF-8 reports. Raises RefusedError where the analytics page would not take it."""
    try:
        said = _STRICT.decode(body)
        event = said.event
        event_text, request_text = bytes(event.event_time_ms), bytes(said.request_time_ms)
        event_ms, request_ms = float(event_text), float(request_text)
    except (msgspec.MsgspecError, ValueError):  # the JSON of a text, and true, are no numbers to float()
        return _read_closely(body)
    event_type = name_of(event.event_type, EVENT_TYPES, "event.event_type")
    client_type = None if said.client_type is None else name_of(said.client_type, CLIENT_TYPES, "client_type")
    data: dict[str, str | Raw] = {"event_type": event_type}
    if event.room_id and event.room_id != _NULL:
        data["room_id"] = event.room_id
    if event.flow_id and event.flow_id != _NULL:
        data["flow_id"] = event.flow_id
    if client_type is not None:
        data["client_type"] = client_type
    return Report(
        event_type,
        client_type,
        event_ms,
        request_ms,
        event_text.decode(),
        request_text.decode(),
        _stored(data, many_lines=has_lines(body)),
    )


def _read_closely(body: bytes) -> Report:
    said = _loaded(body)
    event = _checked_event(said)
    event_ms = _milliseconds(event.get("event_time_ms"), "event.event_time_ms")
    request_ms = _milliseconds(said["request_time_ms"], "request_time_ms")
    event_type = name_of(event["event_type"], EVENT_TYPES, "event.event_type")
    client_type = said.get("client_type")
    if client_type is not None:
        client_type = name_of(client_type, CLIENT_TYPES, "client_type")
    try:
        texts = _TEXTS.decode(repair(body))
    except msgspec.MsgspecError:
        raise RefusedError(INVALID_JSON) from None
    data: dict[str, str | Raw] = {"event_type": event_type}
    others = {name: raw for name, raw in texts.event.items() if name not in {"event_type", "event_time_ms"}}
    data |= {name: raw for name, raw in others.items() if raw != _NULL or name not in {"room_id", "flow_id"}}
    if client_type is not None:
        data["client_type"] = client_type
    return Report(
        event_type,
        client_type,
        event_ms,
        request_ms,
        _own_text(event["event_time_ms"], texts.event["event_time_ms"]),
        _own_text(said["request_time_ms"], texts.request_time_ms),
        _stored(data, many_lines=has_lines(body)),
    )


def _loaded(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body.decode())
    except ValueError:
        raise RefusedError(UNREADABLE_NUMBER if has_unreadable_number(body) else INVALID_JSON) from None
    if not isinstance(said, dict):
        raise RefusedError(NOT_A_REPORT)
    return said


def _checked_event(said: dict[str, Any]) -> dict[str, Any]:
    """Return the event of a report, in the page's own order of checks."""
    if said.get("type") is None:
        raise RefusedError(NO_TYPE)
    if said.get("request_time_ms") is None:
        raise RefusedError(NO_REQUEST_TIME)
    if said["type"] != _EVENT:
        raise RefusedError(UNKNOWN_TYPE)
    event = said.get("event")
    if event is None:
        raise RefusedError(NO_EVENT)
    if not isinstance(event, dict):
        raise RefusedError(NOT_AN_EVENT)
    if event.get("event_type") is None:
        raise RefusedError(NO_EVENT_TYPE)
    return event


def _milliseconds(value: Any, member: str) -> float:
    """Return a time as the page reads it: a number, a text of one, or true."""
    if isinstance(value, int | float | str) and not (isinstance(value, str) and "_" in value):
        try:
            number = float(value)
        except (ValueError, OverflowError):  # a whole number of more than 308 digits
            raise RefusedError(invalid_time(member)) from None
        if math.isfinite(number):
            return number
    raise RefusedError(invalid_time(member))


def _own_text(value: Any, raw: Raw) -> str:
    return value if isinstance(value, str) else bytes(raw).decode()


def _stored(data: dict[str, str | Raw], *, many_lines: bool) -> Raw:
    text = _ENCODER.encode(data)
    if len(text) > LONGEST_NUMBER and has_unreadable_number(text):
        raise RefusedError(UNREADABLE_NUMBER)
    return Raw(one_line(text) if many_lines else text)
