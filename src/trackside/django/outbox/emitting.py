"""What `emit(…, on_commit=True)` does in a Django project."""

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

from django.core import mail
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from trackside.django.outbox.locks import lock_for
from trackside.django.outbox.pending import PendingRows, pending_rows
from trackside.django.outbox.relay import Relay
from trackside.django.outbox.relay_thread import RelayThread
from trackside.django.outbox.rows import Row, decode_event, encode_row, encode_written_row
from trackside.django.outbox.settings import OutboxSettings, current
from trackside.emitted import EmittedEvent, Unencodable, UnwrittenEvent, WrittenEvent
from trackside.emitted.identity import sending_as
from trackside.telemetry import catalogue
from trackside.tracker import TRACKERS, Tracker, get_tracker

logger = logging.getLogger("trackside.outbox")

Event = TypeVar("Event", EmittedEvent, WrittenEvent | UnwrittenEvent)

_threads: dict[str, RelayThread] = {}


def hold_until_commit(tracker: Tracker, event: EmittedEvent) -> bool:
    """Make `event` part of the caller's transaction and return True, or False where there is none.

    An event that has no JSON, or too much of it, is counted and goes nowhere.
    """
    return _hold(tracker, event, encode_row)


def hold_written_until_commit(tracker: Tracker, event: WrittenEvent | UnwrittenEvent) -> bool:
    """Do as `hold_until_commit` with an event whose data is JSON already, or can be made so."""
    return _hold(tracker, event, encode_written_row)


def _hold(tracker: Tracker, event: Event, encode: Callable[[Event, str], Row]) -> bool:
    settings = current()
    connection = connections[settings.database]
    if not in_transaction(connection):
        return False
    if connection.closed_in_transaction:
        return True  # this transaction will never commit
    name = _registered_name(tracker)
    try:
        row = encode(event, name or "")
    except Unencodable as error:
        catalogue.EMITTED_DROPPED.add(1, "unencodable")
        logger.error("An event has no JSON and is dropped", extra={"reason": str(error)})
        return True
    if len(row.body) > settings.max_event_bytes:
        catalogue.EMITTED_DROPPED.add(1, "oversize")
        logger.error("An event is too large for the outbox and is dropped", extra={"bytes": len(row.body)})
        return True
    pending = pending_rows(connection) or _watch(connection)
    if name is None:
        # no relay could find it: this process alone can send for it
        pending.after_commit(lambda: _send(tracker, row))
    else:
        pending.add(row, batch=settings.batch)
    return True


def in_transaction(connection: BaseDatabaseWrapper) -> bool:
    """Return whether there is a commit to come, Django's or by hand; connects where only that can tell."""
    if connection.in_atomic_block:
        return True
    if connection.connection is None:
        if connection.settings_dict["AUTOCOMMIT"]:
            return False
        connection.ensure_connection()
    return not connection.autocommit


def _registered_name(tracker: Tracker) -> str | None:
    return next((name for name, each in TRACKERS.items() if each is tracker), None)


def _watch(connection: BaseDatabaseWrapper) -> PendingRows:
    return PendingRows(connection, unstored=_send_all, committed=_committed, hook=_commit_hook)


def _send(tracker: Tracker, row: Row) -> None:
    catalogue.OUTBOX_UNSTORED.add(1)
    event = decode_event(row.body)
    with sending_as(event.pop("id", row.event_id)):
        tracker.routing_backend.send(event)


def _send_all(rows: Sequence[Row]) -> None:
    for row in rows:
        _send(get_tracker(row.tracker), row)


def _committed(connection: BaseDatabaseWrapper) -> None:
    """Wake the relay; the rows can be seen by others now."""
    settings = current()
    if _moves_inline(settings) or settings.relay != "thread":
        return
    thread = _threads.get(connection.alias)
    if thread is None:
        thread = _threads.setdefault(connection.alias, RelayThread(settings))
    thread.wake()


def _commit_hook(connection: BaseDatabaseWrapper) -> None:
    """Move rows before the application goes on, where that is wanted.

    Django runs this after the commit; `TestCase.captureOnCommitCallbacks` runs it inside of a transaction that is
    going to be rolled back, and then events go out as if it had committed.
    """
    settings = current()
    if connection.in_atomic_block:
        if pending := pending_rows(connection):
            pending.flush()
        Relay(connection, settings).drain()
    elif _moves_inline(settings):
        own = connection if _in_memory(connection) else connection.copy()
        try:
            Relay(own, settings, lock=lock_for(own)).drain()
        finally:
            if own is not connection:
                own.close()


def _in_memory(connection: BaseDatabaseWrapper) -> bool:
    name = str(connection.settings_dict["NAME"])
    return connection.vendor == "sqlite" and (":memory:" in name or name.startswith("file:"))


def _moves_inline(settings: OutboxSettings) -> bool:
    # Django's test runner and pytest-django make this list. A thread would keep a connection to the test database.
    return settings.relay == "inline" or (settings.relay == "thread" and hasattr(mail, "outbox"))
