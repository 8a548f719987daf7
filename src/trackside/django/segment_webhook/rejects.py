"""What the webhook did not take: counted, and where a log is among the backends, kept there."""

from collections.abc import Sequence

from trackside.django.tracker import log_backends
from trackside.event import Reject
from trackside.sources.segment_webhook import Received
from trackside.telemetry import catalogue


def report(received: Received, source: str) -> None:
    """Count what was ignored and what was refused, and keep the latter."""
    for reason in received.ignored:
        catalogue.EVENTS_IGNORED.add(1, source, reason)
    keep_rejects(received.rejects)


def keep_rejects(rejects: Sequence[Reject]) -> None:
    """Count the rejects and let the first log of the default tracker keep them."""
    for reject in rejects:
        catalogue.EVENTS_REJECTED.add(1, reject.source, reject.reason)
    log = next(log_backends(), None) if rejects else None
    if log is not None:
        for reject in rejects:
            log.keep_reject(reject)
