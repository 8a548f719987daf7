"""Internal events: what happens inside Trackside, for code in the same process that wants to know.

    from trackside.telemetry.catalogue import DESTINATION_STATE_CHANGED

    stop = DESTINATION_STATE_CHANGED.subscribe(lambda change: page_somebody(change.destination, change.state))

Handlers are called at once, on the thread where it happened: they must be quick. What a handler raises is
logged and counted, and reaches nobody else.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from msgspec import Struct

from trackside.telemetry.metrics import Counter

logger = logging.getLogger(__name__)

T = TypeVar("T", bound=Struct)

HANDLER_FAILURES = Counter(
    "trackside_signal_handler_failures_total",
    "Exceptions raised by handlers of internal events.",
    ("signal",),
)


class Signal(Generic[T]):
    """An internal event that code can subscribe to; `payload` is the type its handlers get."""

    def __init__(self, name: str, payload: type[T]) -> None:
        self.name = name
        self.payload = payload
        self._lock = threading.Lock()
        self._handlers: tuple[Callable[[T], object], ...] = ()
        _SIGNALS[name] = self

    def __bool__(self) -> bool:
        """Tell whether anybody listens: `if SIGNAL: SIGNAL.send(...)` spares making an unwanted payload."""
        return bool(self._handlers)

    def subscribe(self, handler: Callable[[T], object]) -> Callable[[], None]:
        """Call `handler` at every later `send`; return a function that ends this."""
        with self._lock:
            self._handlers = (*self._handlers, handler)
        return lambda: self.unsubscribe(handler)

    def unsubscribe(self, handler: Callable[[T], object]) -> None:
        """Call `handler` no more; nothing happens where it was not subscribed."""
        with self._lock:
            if handler in self._handlers:
                at = self._handlers.index(handler)
                self._handlers = self._handlers[:at] + self._handlers[at + 1 :]

    def send(self, payload: T) -> None:
        """Call every handler with `payload`, in order of subscription. Never raises."""
        for handler in self._handlers:
            try:
                handler(payload)
            except Exception:  # the border: a handler's fault stays its own
                HANDLER_FAILURES.add(1, self.name)
                logger.exception("handler of an internal event failed", extra={"signal": self.name})


_SIGNALS: dict[str, Signal[Any]] = {}


def declared_signals() -> Iterator[Signal[Any]]:
    """Iterate over every internal event declared, in order of declaration."""
    return iter(tuple(_SIGNALS.values()))
