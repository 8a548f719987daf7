"""Django's signals for what happens to deliveries in a process that delivers.

    from trackside.django.signals import destination_disabled

    @receiver(destination_disabled)
    def page_somebody(sender, destination, reason, **kwargs): ...

Receivers run at once, on the thread of the delivery: they must be quick, and what they raise is logged. While there
are none, nothing is made for them.
"""

from collections.abc import Callable
from typing import Any

from django.dispatch import Signal
from msgspec.structs import asdict

from trackside.telemetry import catalogue
from trackside.telemetry import signals as internal


class RelayedSignal(Signal):
    """Sends what an internal event tells, as keyword arguments; `sender` is the type of its payload."""

    def __init__(self, source: "internal.Signal[Any]") -> None:
        super().__init__()
        self._source = source
        self._end: Callable[[], None] | None = None

    def connect(self, *args: Any, **options: Any) -> None:
        """Connect a receiver, as Django does, and listen from now on."""
        super().connect(*args, **options)
        if self._end is None:
            self._end = self._source.subscribe(self._relay)

    def disconnect(self, *args: Any, **options: Any) -> bool:
        """Disconnect a receiver, as Django does; after the last one nothing is listened to."""
        disconnected = super().disconnect(*args, **options)
        if self._end is not None and not self.has_listeners():
            self._end()
            self._end = None
        return disconnected

    def _relay(self, payload: Any) -> None:
        self.send_robust(sender=type(payload), **asdict(payload))


delivery_failed = RelayedSignal(catalogue.DELIVERY_FAILED)
"""An attempt to deliver an event failed: destination, position, event_id, name, attempt, reason, next_at."""
destination_disabled = RelayedSignal(catalogue.DESTINATION_DISABLED)
"""A destination was paused without an operator: destination, reason."""
