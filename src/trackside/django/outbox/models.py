"""The tables of the outbox.

The outbox itself reads and writes them by plain SQL (`rows`): a row costs as little as it can.
"""

from datetime import UTC, datetime

from django.db import models


class _Stored(models.Model):
    """What is kept of an event from its emit until it has been moved on."""

    event_id = models.CharField(max_length=32)
    """The id the event has in the log, whoever brings it there and however often."""
    tracker = models.CharField(max_length=100)
    """The name under which the tracker that emitted it is registered."""
    emitted_us = models.BigIntegerField()
    """When it was emitted, in microseconds since 1970: a number means the same in every database."""
    attempts = models.SmallIntegerField(db_default=0)
    """How often it did not get through while others did."""
    body = models.TextField()
    """The event as JSON in ASCII, so that every character set can hold it."""

    class Meta:
        abstract = True

    @property
    def emitted_at(self) -> datetime:
        """When it was emitted; aware, UTC."""
        return datetime.fromtimestamp(self.emitted_us / 1e6, UTC)


class OutboxRow(_Stored):
    """An event that waits to be moved on; its transaction has committed, or only that transaction sees it."""

    id = models.BigAutoField(primary_key=True)

    class Meta:  # noqa: D106  # Django's own word
        app_label = "trackside"
        db_table = "trackside_outbox"
        verbose_name = "waiting event"


class SetAsideRow(_Stored):
    """An event that did not get through although others did; somebody has to decide about it."""

    id = models.BigAutoField(primary_key=True)
    reason = models.CharField(max_length=200)
    set_aside_us = models.BigIntegerField()
    """When, in microseconds since 1970."""

    class Meta:  # noqa: D106  # Django's own word
        app_label = "trackside"
        db_table = "trackside_outbox_set_aside"
        verbose_name = "event set aside"
        verbose_name_plural = "events set aside"


class OutboxLock(models.Model):
    """The one row that a relay locks while it moves events."""

    name = models.CharField(max_length=32, primary_key=True)

    class Meta:  # noqa: D106  # Django's own word
        app_label = "trackside"
        db_table = "trackside_outbox_lock"
