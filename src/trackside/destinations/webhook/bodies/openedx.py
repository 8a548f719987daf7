"""Bodies for receivers that were written for openedx-webhooks: the same names, texts and encodings.

Source: openedx-webhooks 21.0.0 and 22.0.0, `receivers._process_event` and `utils.send`, run in November 2026.
"""

from typing import Any

from trackside.destinations.webhook.bodies.signals import class_path
from trackside.document.encoding import Document, encode
from trackside.document.form import encode_pairs
from trackside.document.openedx import OF_EVENTS, as_known, form_pairs
from trackside.event import Event

SIGNAL_PREFIX = "org.openedx."
"""What the names of Open edX's own signals begin with."""


def openedx_body(event: Event, document: Document) -> bytes:
    """Return the JSON body. Raises ValueError for a number that JSON does not have."""
    return encode(payload(event, document))


def openedx_form_body(event: Event, document: Document) -> bytes:
    """Return the form: values as Python's `str` shows them (`True`, `None`, `[1, 2]`), as there."""
    return encode_pairs(form_pairs(payload(event, document)))


def payload(event: Event, document: Document) -> dict[str, Any]:
    """Return the payload: of a signal its data under the name of its class, of any other event `data` and `context`."""
    data = document.get("data", {})
    if event.name.startswith(SIGNAL_PREFIX):
        found = {class_path(event.name, name): as_known(value, OF_EVENTS) for name, value in data.items()}
    else:
        found = {"data": data, "context": document.get("context", {})}
    return {**found, "event_metadata": _metadata(event, document)}


def _metadata(event: Event, document: Document) -> dict[str, Any]:
    """Return what a signal's own metadata says, where the source kept it, else the same from the event."""
    made = {
        "event_type": event.name,
        "id": event.id,
        "minorversion": 0,
        "source": event.source,
        "sourcehost": "",
        "time": str(event.timestamp),
        "sourcelib": [0, 0, 0],
    }
    kept = document.get("extra", {}).get("event_metadata")
    return {**made, **as_known(kept, OF_EVENTS)} if isinstance(kept, dict) else made
