"""Where the events of signals go: to the logs that the project's tracker keeps, through its processors.

Not to its other backends: a tracking log or Segment would suddenly hold names and addresses that nobody asked it to.
"""

from trackside.django.engines import backends_from
from trackside.django.settings import current
from trackside.django.tracker import default_backends, default_tracker, log_backends
from trackside.tracker import TRACKERS, Tracker, register_tracker

TRACKER_NAME = "openedx"
"""Under which it is registered; the outbox's rows name it."""


def register_signal_tracker() -> Tracker:
    """Register the tracker of signals, and return it. Where the project's tracker keeps no log, it has its own."""
    default = default_tracker()
    found = dict.fromkeys(log_backends())
    backends = {f"log{number}": each for number, each in enumerate(found)}
    tracker = Tracker(
        backends=backends or backends_from(default_backends(current())),
        context_locator=None if default is None else default.context_locator,
        processors=() if default is None else default.processors,
        durable_timeout_s=current().tracker.durable_timeout_s,
    )
    register_tracker(tracker, TRACKER_NAME)
    return tracker


def signal_tracker() -> Tracker | None:
    """Return the tracker of signals, or None where there is none in this process."""
    return TRACKERS.get(TRACKER_NAME)
