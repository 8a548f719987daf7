"""Reports of AppRTC's clients for these tests."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from trackside.config.settings import LimitSettings
from trackside.event import Event, Reject
from trackside.sources.base import Decoded, Request
from trackside.sources.client_clock import AppRtc, AppRtcSettings
from trackside.testing.source_contract import check_decoded, request_of

LIMITS = LimitSettings()
ELEVEN = datetime(1970, 1, 1, 0, 0, 11, tzinfo=UTC)
"""When the request of AppRTC's own test arrives."""
SUCCESS = b'{"result": "SUCCESS"}'
INVALID = b'{"result": "INVALID_REQUEST"}'
EVENT: dict[str, Any] = {"event_type": 3, "event_time_ms": 8_000, "room_id": "foo", "flow_id": 31_337}
REPORT: dict[str, Any] = {"type": "event", "request_time_ms": 10_000, "client_type": 1, "event": EVENT}


def make_source(limits: LimitSettings = LIMITS, **settings: Any) -> AppRtc:
    """Return a source whose ids are the same every time."""
    return AppRtc("rtc", AppRtcSettings(**settings), limits=limits, random_bits=lambda bits: bits)


def post(
    body: object, headers: Mapping[bytes, bytes] | None = None, *, received_at: datetime = ELEVEN
) -> Request:
    """Return a POST of `body` (bytes as they are, else as JSON)."""
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return msgspec.structs.replace(request_of("POST", "/a/", text, headers), received_at=received_at)


def decode(request: Request, source: AppRtc | None = None) -> Decoded:
    """Return what `request` leads to, checked against what every part after a source relies on."""
    decoded = (source or make_source()).decode(request)
    check_decoded(decoded, request)
    return decoded


def report(event: Mapping[str, Any] | None = None, **members: Any) -> dict[str, Any]:
    """Return a good report with `event` over its event's members and `members` over its own."""
    return {**REPORT, "event": {**EVENT, **(event or {})}, **members}


def accepted(body: object, headers: Mapping[bytes, bytes] | None = None, **request: Any) -> Event:
    """Return the event that `body` becomes."""
    decoded = decode(post(body, headers, **request))
    assert (decoded.reply.status, decoded.reply.body) == (200, SUCCESS), decoded.rejects
    (event,) = decoded.events
    return event


def refused(body: object, **request: Any) -> Reject:
    """Return the reject that `body` becomes."""
    decoded = decode(post(body, **request))
    assert (decoded.reply.status, decoded.reply.body) == (200, INVALID), decoded.events
    assert not decoded.events
    (reject,) = decoded.rejects
    return reject
