"""Standard Open edX tracking log lines in a file, each event exactly once.

destination   open, send, checkpoint: what the delivery worker calls
line          event → line
emitted_line  event of the platform's own tracker → the LMS's line
frame, call   what of a line follows from the context, and from the call around it
seen, origin, course, raw_json, memo: what these are made of
file          append, rotate, cut what is torn
recovery      after a crash: what need not be written again
"""

from trackside.destinations.tracking_log.destination import TrackingLog
from trackside.destinations.tracking_log.settings import TrackingLogSettings

__all__ = ["TrackingLog", "TrackingLogSettings"]
