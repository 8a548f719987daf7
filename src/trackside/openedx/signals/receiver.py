"""One signal → one event."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import uuid4

from django.db import connections, transaction

from trackside.backends.event_bus import is_own_signal
from trackside.backends.identity import sending_as
from trackside.django.outbox.settings import current as outbox
from trackside.django.settings.signals import SignalSettings
from trackside.emitted import EmittedEvent
from trackside.event import NameFilter
from trackside.openedx.plain import PlainMaker
from trackside.openedx.signals.subject import course_of, user_of
from trackside.processors.personal import context_shown
from trackside.telemetry import catalogue
from trackside.tracker import Tracker

logger = logging.getLogger("trackside.openedx")


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

    def wants(self, event_type: str) -> bool:
        """Return whether signals of this type become events."""
        return self._names.matches(event_type) and not self._ignored.matches(event_type)

    def receive(
        self, signal: Any = None, metadata: Any = None, from_event_bus: object = False, **data: Any
    ) -> None:
        """Take a signal; it is `Signal.connect`'s receiver. Never raises, and waits for no network."""
        try:
            data.pop("sender", None)
            if (reason := self._reason_against(from_event_bus=bool(from_event_bus))) is not None:
                catalogue.SIGNALS_IGNORED.add(1, reason)
                return
            context = self._tracker.resolve_context()
            if self._settings.ignore_actors and self._actors.matches(str(context.get("username") or "")):
                catalogue.SIGNALS_IGNORED.add(1, "actor")
                return
            name = getattr(metadata, "event_type", None) or signal.event_type
            said = {"event_type": name} if metadata is None else _said(metadata)
            event = self._event(name, said, data, context, bus=bool(from_event_bus))
            event["timestamp"] = datetime.now(UTC) if metadata is None else metadata.time
            self._emit(event, said.get("id") or str(uuid4()))
        except Exception as error:  # noqa: BLE001  # the border: a signal's sender goes on, also where Django would raise
            catalogue.EMITTED_DROPPED.add(1, "signal_failed")
            logger.error("A signal could not become an event", extra={"error": type(error).__name__})

    def _reason_against(self, *, from_event_bus: bool) -> str | None:
        if from_event_bus and not self._settings.from_event_bus:
            return "from_event_bus"  # the service that sent it has made an event of it
        return "own" if is_own_signal() else None

    def _event(
        self,
        name: str,
        metadata: Mapping[str, Any],
        data: Mapping[str, Any],
        context: Mapping[str, Any],
        *,
        bus: bool,
    ) -> EmittedEvent:
        told = self._maker.arguments(data)
        extra: dict[str, Any] = {"event_metadata": metadata}
        if bus:
            extra["from_event_bus"] = True
        return {
            "name": name,
            "timestamp": None,
            "data": told,
            "context": {**context_shown(self._settings.personal_data, context), **course_of(told)},
            "user_id": None if self._settings.personal_data == "none" else user_of(told),
            "extra": extra,
        }

    def _emit(self, event: EmittedEvent, id_: str) -> None:
        how = self._settings.on_commit
        if how == "memory" and connections[outbox().database].in_atomic_block:
            later = partial(self._send, event, id_)
            transaction.on_commit(later, using=outbox().database, robust=True)
            return
        with sending_as(id_):
            self._tracker.emit_event(event, on_commit=how == "outbox")

    def _send(self, event: EmittedEvent, id_: str) -> None:
        with sending_as(id_):
            self._tracker.emit_event(event)


def _said(metadata: Any) -> dict[str, Any]:
    """Return the fields of an `EventsMetadata`, as its own JSON has them."""
    return {
        "event_type": metadata.event_type,
        "id": str(metadata.id),
        "minorversion": metadata.minorversion,
        "source": metadata.source,
        "sourcehost": metadata.sourcehost,
        "time": metadata.time.isoformat(),
        "sourcelib": list(metadata.sourcelib),
    }
