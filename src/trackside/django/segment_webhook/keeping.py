"""Emits what Segment sent, and tells whether it is kept: by then its sender need not send it again."""

import time
from collections.abc import Callable, Sequence

from trackside.django.segment_webhook.context import CONTEXT_NAME, context_of, plain
from trackside.django.segment_webhook.event_2014 import send_2014
from trackside.django.settings import current
from trackside.django.tracker import view_tracker
from trackside.emitted import waiting_for_commit
from trackside.emitted.identity import sending_as
from trackside.sources.segment_webhook import WebhookEvent
from trackside.tracker import Tracker


def keep(events: Sequence[WebhookEvent]) -> bool:
    """Emit the events, and return True once whatever keeps events has made them durable.

    False where one of them is lost, or not durable within `tracker.durable_timeout_s`. Where nothing keeps
    events (a logger, a switched-off tracker) there is nothing to wait for.
    """
    settings = current()
    tracker = view_tracker()
    send: Callable[[Tracker | None, WebhookEvent], bool] = (
        send_2014 if settings.segment_webhook.generation == "2014" else _emit
    )
    taken = True
    with waiting_for_commit() as waiters:
        for event in events:
            with sending_as(event.id):
                taken &= send(tracker, event)
    deadline = time.monotonic() + settings.tracker.durable_timeout_s
    return taken and all(waiter.wait(max(0.0, deadline - time.monotonic())) for waiter in waiters)


def _emit(tracker: Tracker | None, event: WebhookEvent) -> bool:
    if tracker is not None:
        with tracker.context(CONTEXT_NAME, context_of(event)):
            tracker.emit(event.name, plain(event.data))
    return True
