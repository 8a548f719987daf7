"""Rewrites an event into the fields of a tracking log line.

Source: the documented common fields of Open edX tracking logs as of November 2026.
"""

from collections.abc import Callable
from typing import Any

from trackside.emitted import EmittedEvent, dumps

LIFTED = ("username", "session", "ip", "agent", "host", "referer", "accept_language")
"""Fields of the context that stand at the top of a line, in this order; "" where the context has none."""
_RENAMED = ("data", "timestamp")


class LegacyFieldMappingProcessor:
    """Returns the event in the form of a tracking log line: `event` for data, `time` for timestamp, and so on.

    What a browser sent as an object becomes JSON text in `event`, as analysts know it.
    """

    mutates = False

    def __init__(self, dumps: Callable[[Any], str] = dumps) -> None:
        """`dumps` writes the JSON text of what a browser sent."""
        self._dumps = dumps

    def __call__(self, event: EmittedEvent) -> EmittedEvent:
        """Return a new event in the old fields; the given one is unchanged."""
        line = dict(event)
        for name in _RENAMED:
            line.pop(name, None)
        rest = dict(event.get("context", ()))
        take = rest.pop
        if "context" in event:
            line["context"] = rest
            for field in LIFTED:
                line[field] = take(field, "")
            take("client_id", None)
        source = take("event_source", "server")
        data = event.get("data", {})
        line["event"] = self._dumps(data) if source == "browser" and isinstance(data, dict) else data
        line["time"] = take("timestamp", event.get("timestamp"))
        line["event_type"] = take("event_type", event.get("name", ""))
        line["event_source"] = source
        line["page"] = take("page", None)
        return line
