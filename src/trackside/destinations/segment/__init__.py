"""Segment, or whatever speaks its API: each event as the call that it is, in batches, in the log's order.

destination   open, send: what the delivery worker calls
call          event → the call that it came in as
emitted_call  event of the platform's own tracker → a track call
batch         calls → requests, within Segment's limits
answer        what an answer means for the events of a request
"""

from trackside.destinations.segment.destination import Segment
from trackside.destinations.segment.settings import SegmentSettings

__all__ = ["Segment", "SegmentSettings"]
