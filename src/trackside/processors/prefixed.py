"""Gives events of the newer dotted names the types and fields that older analyses know them by.

Works on the form of a tracking log line (after `LegacyFieldMappingProcessor`): the payload is in `event`.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from trackside.emitted import EmittedEvent, dumps
from trackside.processors.sequence import SEQUENCE_TRANSFORMERS
from trackside.processors.video import VIDEO_TRANSFORMERS
from trackside.telemetry import catalogue

Transformer = Callable[[EmittedEvent, dict[str, Any]], bool]
"""Takes a line and its payload, both its own to change; returns whether they are to take the event's place.

KeyError, TypeError and ValueError say that the event is not of the form it should have: it stays as it was.
"""

TRANSFORMERS: Mapping[str, Transformer] = {**SEQUENCE_TRANSFORMERS, **VIDEO_TRANSFORMERS}
"""By event name, or by its beginning where that ends in a dot."""


class PrefixedEventProcessor:
    """Hands each event to the transformer of its name, or of the longest prefix of it that ends in a dot."""

    mutates = False

    def __init__(
        self, transformers: Mapping[str, Transformer] = TRANSFORMERS, dumps: Callable[[Any], str] = dumps
    ) -> None:
        """`transformers` by name, or by prefix; by default those for video and sequence events.

        `dumps` writes the JSON text of a payload that was one.
        """
        self._dumps = dumps
        self.transformers = dict(transformers)
        self._longest_first = sorted((p for p in self.transformers if p.endswith(".")), key=len, reverse=True)

    def __call__(self, event: EmittedEvent) -> EmittedEvent | None:
        """Return the event transformed, or None where it stays as it is."""
        name = event.get("name")
        found = self._find(name) if isinstance(name, str) else None
        if found is None:
            return None
        prefix, transform = found
        try:
            return _transformed(event, transform, self._dumps)
        except (KeyError, TypeError, ValueError, AttributeError):
            # it comes from clients: counted, not logged
            catalogue.TRACKER_UNTRANSFORMED.add(1, prefix)
            return None

    def _find(self, name: str) -> tuple[str, Transformer] | None:
        exact = self.transformers.get(name)
        if exact is not None:
            return name, exact
        for prefix in self._longest_first:
            if name.startswith(prefix):
                return prefix, self.transformers[prefix]
        return None


def _transformed(
    event: EmittedEvent, transform: Transformer, dumps: Callable[[Any], str]
) -> EmittedEvent | None:
    line = dict(event)
    if "context" in line:
        line["context"] = dict(line["context"])
    payload = line.get("event")
    is_text = isinstance(payload, str)
    own = json.loads(payload) if isinstance(payload, str) else dict(payload or {})
    if not isinstance(own, dict) or not transform(line, own):
        return None
    line["event"] = dumps(own) if is_text else own
    return line
