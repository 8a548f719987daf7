"""How the outbox is doing, in numbers."""

import time

from django.db.backends.base.base import BaseDatabaseWrapper
from msgspec import Struct

from trackside.telemetry import catalogue


class OutboxStatus(Struct, frozen=True, kw_only=True):
    """What an operator wants to know of the outbox."""

    waiting: int
    """Committed rows that have not been moved on."""
    oldest_s: float
    """How long ago the oldest of them was emitted, in seconds; 0 where none waits."""
    set_aside: int
    """Rows that somebody has to decide about."""


def outbox_status(connection: BaseDatabaseWrapper, *, now_s: float | None = None) -> OutboxStatus:
    """Return the numbers of this connection's database; `now_s` is the time of now since 1970."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*), MIN(emitted_us) FROM trackside_outbox")
        waiting, oldest_us = cursor.fetchone()
        cursor.execute("SELECT COUNT(*) FROM trackside_outbox_set_aside")
        (aside,) = cursor.fetchone()
    now = time.time() if now_s is None else now_s
    age_s = 0.0 if oldest_us is None else max(0.0, round(now - oldest_us / 1e6, 3))
    return OutboxStatus(waiting=waiting, oldest_s=age_s, set_aside=aside)


def report_status(connection: BaseDatabaseWrapper) -> None:
    """Make the numbers of now those that metrics show."""
    status = outbox_status(connection)
    catalogue.OUTBOX_WAITING.set(status.waiting)
    catalogue.OUTBOX_OLDEST_S.set(status.oldest_s)
