"""The webhooks of the database, which may be another one than the console's own, and away."""

import logging
from collections.abc import Sequence

from django.db import DatabaseError

from trackside.console import live
from trackside.django.webhooks.models import Webhook

logger = logging.getLogger("trackside.console")


def names() -> Sequence[str]:
    """Return the names of the webhooks; while they cannot be read, all that have a place in the log."""
    try:
        return list(Webhook.objects.values_list("name", flat=True))
    except DatabaseError as error:
        _report(error)
        return live.current().log.subscriptions()


def row(name: str) -> Webhook | None:
    """Return a webhook, or None where there is none of this name, or none can be read now."""
    try:
        found: Webhook | None = Webhook.objects.filter(name=name).first()
    except DatabaseError as error:
        _report(error)
        return None
    return found


def _report(error: DatabaseError) -> None:
    logger.warning("The webhooks of the database cannot be read", extra={"error": type(error).__name__})
