"""AppRTC's page as slowly and plainly as it is described; what made it crash is None, as what it refused."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

EVENT_TYPES = {2: "ROOM_SIZE_2", 3: "ICE_CONNECTION_STATE_CONNECTED"}
CLIENT_TYPES = {0: "UNKNOWN", 1: "JS", 2: "DESKTOP", 3: "IOS", 4: "ANDROID"}


class Row(NamedTuple):
    """What the page reports."""

    event_type: str
    client_type: str | None
    room_id: Any
    flow_id: Any
    happened_ms: float


def report(body: bytes, received_at: datetime) -> Row | None:
    """Return what is reported, or None."""
    try:
        row = _report(json.loads(body.decode()), received_at.timestamp() * 1000)
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return None
    return row


def _report(said: Any, received_ms: float) -> Row | None:
    if said.get("type") is None or said.get("request_time_ms") is None:
        return None
    event = said.get("event")
    if said["type"] != "event" or event is None or event.get("event_type") is None:
        return None
    event_ms, request_ms = _number(event.get("event_time_ms")), _number(said["request_time_ms"])
    happened_ms = event_ms + (received_ms - request_ms)
    for moment in (happened_ms, event_ms, request_ms):
        datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=moment)
    if not 0 <= happened_ms < 4_133_980_800_000:
        return None
    client_type = said.get("client_type")
    return Row(
        EVENT_TYPES.get(event["event_type"], str(event["event_type"])),
        None if client_type is None else CLIENT_TYPES.get(client_type, str(client_type)),
        event.get("room_id"),
        event.get("flow_id"),
        happened_ms,
    )


def _number(value: Any) -> float:
    if isinstance(value, str) and "_" in value:
        raise ValueError(value)  # Python 2 knew no such numbers
    return float(value)
