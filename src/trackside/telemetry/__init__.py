"""What Trackside tells about itself: one catalogue of metrics and internal events.

    from trackside.telemetry import catalogue

    catalogue.EVENTS_ACCEPTED.add(50, "web")

The names are public: `docs/reference/telemetry.md` is made from the catalogue.
"""

from trackside.telemetry.exposition import CONTENT_TYPE, exposition
from trackside.telemetry.metrics import Counter, Gauge, Histogram, Metric, metric, metrics, reset
from trackside.telemetry.signals import Signal, signals
from trackside.telemetry.snapshots import Snapshot, collect, merge, snapshot, write_snapshot

__all__ = [
    "CONTENT_TYPE",
    "Counter",
    "Gauge",
    "Histogram",
    "Metric",
    "Signal",
    "Snapshot",
    "collect",
    "exposition",
    "merge",
    "metric",
    "metrics",
    "reset",
    "signals",
    "snapshot",
    "write_snapshot",
]
