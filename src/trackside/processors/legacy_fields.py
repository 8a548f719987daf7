"""Rewrites an event into the fields of a tracking log line.

Source: the documented common fields of Open edX tracking logs as of November 2026.
"""

from typing import Any

from trackside.emitted import EmittedEvent, dumps

LIFTED = ("username", "session", "ip", "agent", "host", "referer", "accept_language")
"""Fields of the context that stand at the top of a line, in this order; "" where the context has none."""
_LEFT_OUT = frozenset({*LIFTED, "client_id", "timestamp", "event_type", "event_source", "page"})
_RENAMED = frozenset({"data", "timestamp"})


class LegacyFieldMappingProcessor:
    """Returns the event in the form of a tracking log line: `event` for data, `time` for timestamp, and so on.

    What a browser sent as an object becomes JSON text in `event`, as analysts know it.
    """

    mutates = False

    def __call__(self, event: EmittedEvent) -> EmittedEvent:
        """Return a new event in the old fields; the given one is unchanged."""
        line = {key: value for key, value in event.items() if key not in _RENAMED}
        context = event.get("context", {})
        if "context" in event:
            line["context"] = {key: value for key, value in context.items() if key not in _LEFT_OUT}
            for field in LIFTED:
                line[field] = context.get(field, "")
        line["event"] = _payload(event, context)
        line["time"] = context["timestamp"] if "timestamp" in context else event.get("timestamp")
        line["event_type"] = context.get("event_type", event.get("name", ""))
        line["event_source"] = context.get("event_source", "server")
        line["page"] = context.get("page")
        return line


def _payload(event: EmittedEvent, context: dict[str, Any]) -> Any:
    data = event.get("data", {})
    if context.get("event_source") == "browser" and isinstance(data, dict):
        return dumps(data)
    return data
