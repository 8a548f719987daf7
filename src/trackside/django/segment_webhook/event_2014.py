"""The event of the generation of 2014: a finished line, for the tracker of TRACKING_BACKENDS.

Source: the platform's `track_segmentio_event` of August 2014.
"""

from typing import Any

from trackside.django.segment_webhook.context import CONTEXT_NAME, context_of, plain
from trackside.sources.segment_webhook import WebhookEvent
from trackside.tracker import Tracker

OWN_FIELDS = ("username", "event_type", "event_source", "page", "ip", "agent", "timestamp")
"""What the reader of calls left in the context, and the event has in a place of its own."""
KNOWN_ELSEWHERE = ("username", "session", "ip", "agent", "host", "client_id")
"""What the context of a request brings, and a line of that time does not have in its context."""


def send_2014(tracker: Tracker | None, event: WebhookEvent) -> bool:
    """Hand the event to the backends of TRACKING_BACKENDS; return False where all of them have failed."""
    from trackside.django import legacy_tracker  # which reads its setting when it is imported

    return legacy_tracker.hand_over(event_2014(tracker, event))


def event_2014(tracker: Tracker | None, event: WebhookEvent) -> dict[str, Any]:
    """Return the event, in the context of the request as far as there is a tracker."""
    said = context_of(event)
    own = {field: said.pop(field, None) for field in OWN_FIELDS}
    complete = said
    if tracker is not None:
        with tracker.context(CONTEXT_NAME, said):
            complete = tracker.resolve_context()
    host = complete.get("host", "")
    return {
        "username": own["username"],
        "event_type": own["event_type"],
        "event_source": own["event_source"],
        "time": own["timestamp"],
        "context": {key: value for key, value in complete.items() if key not in KNOWN_ELSEWHERE},
        "page": own["page"],
        "host": host,
        "agent": "",
        "ip": own["ip"],
        "event": plain(event.data),
    }
