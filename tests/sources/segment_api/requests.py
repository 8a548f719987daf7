"""Requests of Segment's SDKs for these tests."""

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from trackside.config.settings import LimitSettings
from trackside.event import Event
from trackside.sources.base import Decoded, Request
from trackside.sources.segment_api import SegmentApi
from trackside.testing.source_contract import check_decoded, request_of

KEY = "TESTWRITEKEY"
OTHER_KEY = "OTHERWRITEKEY"
LIMITS = LimitSettings()
GOOD: dict[str, Any] = {
    "type": "track",
    "event": "Item Purchased",
    "userId": "user-1",
    "messageId": "message-1",
    "timestamp": "2026-11-20T19:24:55.219Z",
    "properties": {"revenue": 14.99},
    "context": {"library": {"name": "analytics-python", "version": "2.4.0"}},
}
SENT_AT = "2026-11-20T19:24:56.000Z"


def basic(user: str = KEY + ":") -> Mapping[bytes, bytes]:
    """Return the header of Basic authorization with `user`."""
    return {b"authorization": b"Basic " + b64encode(user.encode())}


def make_source(limits: LimitSettings = LIMITS, public_url: str = "") -> SegmentApi:
    """Return a source with two write keys."""
    return SegmentApi({KEY: "web", OTHER_KEY: "app"}, limits=limits, public_url=public_url)


def post(
    path: str,
    body: object,
    headers: Mapping[bytes, bytes] | None = None,
    *,
    query: bytes = b"",
    client_ip: str | None = None,
) -> Request:
    """Return a POST of `body` (bytes as they are, else as JSON), authorized unless `headers` are given."""
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    chosen = basic() if headers is None else headers
    return request_of("POST", path, text, chosen, query=query, client_ip=client_ip)


def decode(request: Request, source: SegmentApi | None = None) -> Decoded:
    """Return what `request` leads to, checked against what every part after a source relies on."""
    decoded = (source or make_source()).decode(request)
    check_decoded(decoded, request)
    return decoded


def track(**members: Any) -> dict[str, Any]:
    """Return a good track call with `members` over it; None takes a member away."""
    return {name: value for name, value in {**GOOD, **members}.items() if value is not None}


def batch(*items: object, **members: Any) -> dict[str, Any]:
    """Return a batch of `items`."""
    return {"batch": list(items), "sentAt": SENT_AT, **members}


def only(decoded: Decoded) -> Event:
    """Return the one event there is."""
    assert not decoded.rejects, decoded.rejects
    assert len(decoded.events) == 1
    return decoded.events[0]


def one(item: object, **members: Any) -> Event:
    """Return the event that `item` becomes in a batch."""
    return only(decode(post("/v1/batch", batch(item, **members))))


def reasons(decoded: Decoded) -> list[str]:
    """Return why items were rejected."""
    return [reject.reason for reject in decoded.rejects]
