"""One signal → one event."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import uuid4

from django.db import connections, transaction
from msgspec.structs import replace

from trackside.backends.event_bus import is_own_signal
from trackside.django.outbox.emitting import in_transaction
from trackside.django.outbox.settings import current as outbox
from trackside.django.settings.signals import SignalSettings
from trackside.emitted import UnwrittenEvent, WrittenEvent, copy_event, encode_json
from trackside.event import NameFilter
from trackside.openedx.plain import PlainMaker
from trackside.openedx.signals.subject import course_of, user_of
from trackside.openedx.signals.writing import SignalWriter, metadata_member
from trackside.processors.personal import context_shown
from trackside.telemetry import catalogue
from trackside.tracker import Tracker

logger = logging.getLogger("trackside.openedx")

HELD_AT_MOST = 1_000
"""So much of one transaction waits in memory for its commit; what comes then is a row of it."""


class SignalReceiver:
    """Makes events of signals, as the settings say, and hands them to one tracker."""

    def __init__(self, settings: SignalSettings, tracker: Tracker) -> None:
        self._settings = settings
        self._tracker = tracker
        self._names = NameFilter(settings.names)
        self._ignored = NameFilter(settings.ignore)
        self._actors = NameFilter(settings.ignore_actors)
        self._maker = PlainMaker(
            mode=settings.personal_data, max_bytes=settings.data_bytes, depth=settings.depth
        )
        self._writer = SignalWriter(self._maker, says_user=settings.personal_data != "none")

    def wants(self, event_type: str) -> bool:
        """Return whether signals of this type become events."""
        return self._names.matches(event_type) and not self._ignored.matches(event_type)

    def receive(self, signal: Any, metadata: Any, data: Mapping[str, Any], *, bus: bool = False) -> None:
        """Take a signal with these arguments, from the event bus or not. Never raises, and waits for no network."""
        try:
            if bus and not self._settings.from_event_bus:
                # the service that sent it has made an event of it
                catalogue.SIGNALS_IGNORED.add(1, "from_event_bus")
                return
            if is_own_signal():
                catalogue.SIGNALS_IGNORED.add(1, "own")
                return
            context = self._tracker.resolve_context()
            if self._settings.ignore_actors and self._actors.matches(str(context.get("username") or "")):
                catalogue.SIGNALS_IGNORED.add(1, "actor")
                return
            self._emit(self._event(signal, metadata, data, context, bus=bus))
        except Exception as error:  # noqa: BLE001  # the border: a signal's sender goes on, also where Django would raise
            catalogue.EMITTED_DROPPED.add(1, "signal_failed")
            logger.error("A signal could not become an event", extra={"error": type(error).__name__})

    def _event(
        self, signal: Any, metadata: Any, data: Mapping[str, Any], context: dict[str, Any], *, bus: bool
    ) -> WrittenEvent | UnwrittenEvent:
        mode = self._settings.personal_data
        shown = context if mode == "full" else context_shown(mode, context)
        return self._writer.event(metadata, data, shown, bus=bus) or self._written_slowly(
            signal, metadata, data, shown, bus=bus
        )

    def _written_slowly(
        self, signal: Any, metadata: Any, data: Mapping[str, Any], context: dict[str, Any], *, bus: bool
    ) -> WrittenEvent:
        told = self._maker.plain(dict(data))
        said = {"event_type": signal.event_type} if metadata is None else _said(metadata)
        return WrittenEvent(
            said.get("id") or str(uuid4()),
            str(getattr(metadata, "event_type", None) or signal.event_type),
            getattr(metadata, "time", None) or datetime.now(UTC),
            encode_json(told),
            context | course_of(told),
            None if self._settings.personal_data == "none" else user_of(told),
            metadata_member(encode_json(said), from_bus=bus),
        )

    def _emit(self, event: WrittenEvent | UnwrittenEvent) -> None:
        how = self._settings.on_commit
        if how != "memory":
            self._tracker.emit_written(event, on_commit=how == "outbox")
            return
        connection = connections[outbox().database]
        if not connection.in_atomic_block:
            # Django has no hook for who commits by hand; the outbox sees that
            self._tracker.emit_written(event, on_commit=in_transaction(connection))
            return
        if len(connection.run_on_commit) >= HELD_AT_MOST:
            self._tracker.emit_written(event, on_commit=True)
            return
        if isinstance(event, WrittenEvent):  # until then its context may become another
            event = replace(event, context=copy_event(event.context))
        transaction.on_commit(partial(self._tracker.emit_written, event), using=connection.alias, robust=True)


def _said(metadata: Any) -> dict[str, Any]:
    """Return the fields of an `EventsMetadata`, as its own JSON has them; those that are None, as null."""
    id_, time, lib = metadata.id, metadata.time, metadata.sourcelib
    return {
        "event_type": metadata.event_type,
        "id": None if id_ is None else str(id_),
        "minorversion": metadata.minorversion,
        "source": metadata.source,
        "sourcehost": metadata.sourcehost,
        "time": None if time is None else time.isoformat(),
        "sourcelib": None if lib is None else list(lib),
    }
