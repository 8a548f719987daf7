"""What Trackside tells about itself: one catalogue of metrics and internal events.

    from trackside.telemetry import catalogue

    catalogue.EVENTS_ACCEPTED.add(50, "web")

The names are public: `docs/reference/telemetry.md` is made from the catalogue.
"""

from trackside.telemetry.metrics import Counter, Gauge, Histogram, Metric, Tally, declared_metrics, reset
from trackside.telemetry.prometheus import CONTENT_TYPE, exposition
from trackside.telemetry.signals import Signal, declared_signals
from trackside.telemetry.snapshots import Snapshot, collect, merge, snapshot, write_snapshot

__all__ = [
    "CONTENT_TYPE",
    "Counter",
    "Gauge",
    "Histogram",
    "Metric",
    "Signal",
    "Snapshot",
    "Tally",
    "collect",
    "declared_metrics",
    "declared_signals",
    "exposition",
    "merge",
    "reset",
    "snapshot",
    "write_snapshot",
]
