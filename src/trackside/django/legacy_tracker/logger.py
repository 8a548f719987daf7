"""Events of the legacy tracker as lines of a Python logger."""

import json
import logging
from typing import Any

from trackside.django.legacy_tracker.base import BaseBackend
from trackside.django.settings import current
from trackside.emitted import DateTimeJSONEncoder
from trackside.telemetry import catalogue

PAYLOAD = "event"
"""The member of an event that a browser or a view filled."""
TRUNCATED = "truncated"


class LoggerBackend(BaseBackend):
    """Writes each event as one line of JSON to the logger `name`, the root logger by default.

    A line is at most `tracker.max_event_chars` long (TRACK_MAX_EVENT). An event above it is written without its
    payload and says so: `"event": "", "truncated": true`; one that is too long even so is counted and dropped.
    """

    def __init__(self, name: str | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.event_logger = logging.getLogger(name)

    def send(self, event: Any) -> None:
        """Log `event`. Raises TypeError and ValueError where it has no JSON."""
        most = current().tracker.max_event_chars
        line = _line(event)
        if len(line) > most and isinstance(event, dict):
            line = _line({**event, PAYLOAD: "", TRUNCATED: True})
        if len(line) > most:
            catalogue.BACKEND_DROPPED.add(1, "logger", "oversize")
            return
        self.event_logger.info(line)


def _line(event: Any) -> str:
    return json.dumps(event, cls=DateTimeJSONEncoder)
