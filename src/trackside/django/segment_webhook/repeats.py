"""Events that Segment sends again, where no log remembers their ids: told by a cache of the site's.

An id is noted once its event is kept, so that a failure in between costs nothing but a second event; for the same
reason a cache that fails costs nothing. Two requests at the same moment may both be the first.
"""

import logging
from collections.abc import Sequence
from hashlib import blake2b

from django.core.cache import caches

from trackside.sources.segment_webhook import WebhookEvent
from trackside.telemetry import catalogue

REMEMBERED_S = 86_400

logger = logging.getLogger("trackside.django")


class Repeats:
    """Knows, by one cache, which events were kept within the last day."""

    def __init__(self, cache: str, source: str) -> None:
        """`cache` is a name in CACHES; with "" every event is new."""
        self._cache = cache
        self._source = source

    def new(self, events: Sequence[WebhookEvent]) -> Sequence[WebhookEvent]:
        """Return the events that were not kept yet, of those with the same id the first."""
        if not self._cache or not events:
            return events
        known = self._known([_key(event.id) for event in events if event.id])
        found = []
        for event in events:
            if event.id:
                key = _key(event.id)
                if key in known:
                    catalogue.EVENTS_DUPLICATES.add(1, self._source)
                    continue
                known.add(key)
            found.append(event)
        return found

    def remember(self, events: Sequence[WebhookEvent]) -> None:
        """Note that the events are kept."""
        ids = {_key(event.id): 1 for event in events if event.id} if self._cache else {}
        if not ids:
            return
        try:
            caches[self._cache].set_many(ids, REMEMBERED_S)
        except Exception as error:  # noqa: BLE001  # the border: a cache's fault must cost no event
            _report(error)

    def _known(self, keys: list[str]) -> set[str]:
        try:
            return set(caches[self._cache].get_many(keys))
        except Exception as error:  # noqa: BLE001  # see `remember`
            _report(error)
            return set()


def _key(id_: str) -> str:
    # ids are Segment's or anybody's: a cache takes neither every character nor every length
    return "trackside.segmentio." + blake2b(id_.encode(), digest_size=16).hexdigest()


def _report(error: Exception) -> None:
    logger.warning("The cache that tells repeated events has failed", extra={"error": type(error).__name__})
