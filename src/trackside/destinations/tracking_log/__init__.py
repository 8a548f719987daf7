"""Standard Open edX tracking log lines in a file, each event exactly once.

destination   open, send, checkpoint: what the delivery worker calls
line          event → line (seen, origin, course, raw_json: what it is made of)
file          append, rotate, cut what is torn
recovery      after a crash: what need not be written again
"""

from trackside.destinations.tracking_log.destination import TrackingLog
from trackside.destinations.tracking_log.settings import TrackingLogSettings

__all__ = ["TrackingLog", "TrackingLogSettings"]
