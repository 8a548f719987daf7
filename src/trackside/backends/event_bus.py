"""Events over the event bus of Open edX: sent to it by one process, handed to nested backends in another.

The names in this module are also those of `eventtracking.handlers` and `eventtracking.config`.
"""

import json
import logging
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from trackside.emitted import DateTimeJSONEncoder, copy_event, encode_json
from trackside.errors import ConfigurationError
from trackside.processors.exceptions import EventEmissionExit
from trackside.routing import Backend, Processor, RoutingBackend
from trackside.telemetry import catalogue
from trackside.tracker import get_tracker

try:
    from openedx_events.analytics import data, signals
except ImportError:
    TRACKING_EVENT_EMITTED: Any = None
else:
    TRACKING_EVENT_EMITTED, TrackingLogData = signals.TRACKING_EVENT_EMITTED, data.TrackingLogData

SIGNAL_PROCESSED_FROM_EVENT_BUS = "from_event_bus"
"""The argument by which a receiver knows that an event came over the bus; openedx-events' own constant."""

logger = logging.getLogger("trackside.backends.event_bus")

_sending: ContextVar[bool] = ContextVar("trackside_sending_signal", default=False)

is_own_signal = _sending.get
"""Return whether the signal that a receiver is being told is one that `EventBusRoutingBackend` sends."""


class _Setting:
    """Stands in for edx-toggles where that is not installed: a Django setting that is off by default."""

    def __init__(self, name: str) -> None:
        self.name = name

    def is_enabled(self) -> bool:
        """Return whether the setting is on."""
        return bool(_setting(self.name, default=False))


def _toggle(name: str) -> Any:
    try:
        from edx_toggles.toggles import SettingToggle
    except ImportError:
        return _Setting(name)
    return SettingToggle(name, default=False, module_name=__name__)


# .. toggle_name: SEND_TRACKING_EVENT_EMITTED_SIGNAL
# .. toggle_implementation: SettingToggle
# .. toggle_default: False
# .. toggle_description: Whether tracking events go to the event bus, those that EVENT_BUS_TRACKING_LOGS names.
# .. toggle_use_cases: opt_in
# .. toggle_creation_date: 2026-11-21
SEND_TRACKING_EVENT_EMITTED_SIGNAL = _toggle("SEND_TRACKING_EVENT_EMITTED_SIGNAL")


class EventBusRoutingBackend(RoutingBackend):
    """Sends events to the event bus; in the process that consumes it, its processors and backends get them.

    Two Django settings decide: SEND_TRACKING_EVENT_EMITTED_SIGNAL (off by default) whether any go, and
    EVENT_BUS_TRACKING_LOGS which names.
    """

    mutates = False

    def __init__(
        self,
        processors: Iterable[Processor] | None = None,
        backends: Mapping[str, Backend] | None = None,
        backend_name: str = "",
    ) -> None:
        """Raises ConfigurationError without openedx-events."""
        if TRACKING_EVENT_EMITTED is None:
            raise ConfigurationError("EventBusRoutingBackend needs openedx-events; install it")
        super().__init__(backends=backends, processors=processors)
        self.backend_name = backend_name

    def send(self, event: Any) -> None:
        """Put the event on the bus, if it is one of those that go there."""
        if not SEND_TRACKING_EVENT_EMITTED_SIGNAL.is_enabled():
            return
        name = event.get("name")
        if name not in _setting("EVENT_BUS_TRACKING_LOGS", default=()):
            return
        log = TrackingLogData(
            name=name,
            timestamp=_moment(event.get("timestamp")),
            data=_text(event.get("data")),
            context=_text(event.get("context")),
        )
        token = _sending.set(True)
        try:
            TRACKING_EVENT_EMITTED.send_event(tracking_log=log)
        finally:
            _sending.reset(token)


def send_tracking_log_to_backends(sender: Any, signal: Any, **kwargs: Any) -> None:  # noqa: ARG001  # a receiver
    """Hand an event that came over the bus to what is inside the default tracker's `EventBusRoutingBackend`s."""
    if not kwargs.get(SIGNAL_PROCESSED_FROM_EVENT_BUS, False):
        logger.debug("Event received from a non-event bus backend, skipping...")
        return
    log = kwargs["tracking_log"]
    event = {
        "name": log.name,
        "timestamp": log.timestamp,
        "data": json.loads(log.data),
        "context": json.loads(log.context),
    }
    for backend in get_tracker().backends.values():
        if isinstance(backend, EventBusRoutingBackend):
            try:
                backend.send_to_backends(copy_event(backend.process_event(event)))
            except EventEmissionExit:
                catalogue.EMITTED_DROPPED.add(1, "filtered")
                logger.info("[EventEmissionExit] skipping event %s" % event["name"])  # noqa: G002, UP031


def _moment(timestamp: Any) -> Any:
    """Return a text as the moment it names, with or without a fraction and a zone; anything else as it is."""
    if not isinstance(timestamp, str):
        return timestamp
    moment = datetime.fromisoformat(timestamp)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _text(value: Any) -> str:
    """Return `value` as JSON in the form of the standard library, which consumers are used to."""
    try:
        return json.dumps(value, cls=DateTimeJSONEncoder, allow_nan=False)
    except (TypeError, ValueError):  # no number, or keys that are no text
        return encode_json(value).decode()


def _setting(name: str, *, default: Any) -> Any:
    """Return a Django setting. The event bus is a part of Django sites, so there always are some."""
    from django.conf import settings

    return getattr(settings, name, default)


if TRACKING_EVENT_EMITTED is not None:
    TRACKING_EVENT_EMITTED.connect(send_tracking_log_to_backends)
