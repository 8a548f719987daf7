"""The two processors in front of the log file: fields to the places analysts expect, and old event names."""

import json
from typing import Any

TOP_FIELDS = ("username", "session", "ip", "agent", "host", "referer", "accept_language")
DROPPED = (*TOP_FIELDS, "client_id")
VIDEO_TYPES = {
    "edx.video.loaded": "load_video",
    "edx.video.paused": "pause_video",
    "edx.video.played": "play_video",
    "edx.video.position.changed": "seek_video",
    "edx.video.stopped": "stop_video",
}


class MoveFieldsToTop:
    """Rewrites the event in place into the shape of a tracking log line."""

    def __call__(self, event: dict[str, Any]) -> None:
        context = event.get("context", {})
        for field in TOP_FIELDS:
            event[field] = context.get(field, "")
        moved = {key: context.pop(key, None) for key in ("event_type", "event_source", "page", "timestamp")}
        for field in DROPPED:
            context.pop(field, None)
        data = event.pop("data", {})
        from_browser = moved["event_source"] == "browser" and isinstance(data, dict)
        event["event"] = json.dumps(data) if from_browser else data
        received = event.pop("timestamp")
        event["time"] = moved["timestamp"] or received
        event["event_type"] = moved["event_type"] or event["name"]
        event["event_source"] = moved["event_source"] or "server"
        event["page"] = moved["page"]


class RenameVideoEvents:
    """Gives the mobile players' video events the type and the field names that web players use."""

    def __call__(self, event: dict[str, Any]) -> dict[str, Any] | None:
        if not event["name"].startswith("edx.video."):
            return None
        renamed = dict(event)
        renamed["event_type"] = VIDEO_TYPES.get(event["name"], event["name"])
        payload = dict(renamed["event"])
        if "module_id" in payload:
            payload["id"] = payload.pop("module_id").replace("://", "-").replace("/", "-")
        if "current_time" in payload:
            payload["currentTime"] = payload.pop("current_time")
        renamed["event"] = payload
        page = renamed["context"].pop("open_in_browser_url", None)
        if page:
            renamed["page"] = page.rpartition("/")[0]
        return renamed
