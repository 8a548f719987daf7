"""Celery tasks: each begins outside of any event transaction, for a worker's thread runs many of them."""

import sys
from typing import Any

from trackside.django.event_transaction import forget


def follow_celery() -> None:
    """Have Celery call us around each task, where the project has loaded Celery; else do nothing."""
    signals = sys.modules.get("celery.signals")
    if signals is None:  # looked up, not imported: a site without Celery must not pay for it
        return
    signals.task_prerun.connect(_forget, dispatch_uid="trackside.django.tasks.prerun", weak=False)
    signals.task_postrun.connect(_forget, dispatch_uid="trackside.django.tasks.postrun", weak=False)


def _forget(task: Any = None, **_: Any) -> None:
    # an eager task runs inside its caller, whose transaction goes on
    if not getattr(getattr(task, "request", None), "is_eager", False):
        forget()
