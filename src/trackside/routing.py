"""The router: runs an event through processors and hands it to backends, none of which can disturb another."""

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from trackside.emitted import (
    SENDS_BESIDE_NOW,
    SENDS_BESIDE_WRITTEN,
    EmittedEvent,
    UnwrittenEvent,
    WrittenEvent,
    copy_event,
)
from trackside.emitted.identity import sending_as
from trackside.processors.exceptions import (
    EventEmissionExit,
    NoBackendEnabled,
    NoTransformerImplemented,
    ProtectionFailed,
)
from trackside.telemetry import catalogue

logger = logging.getLogger("trackside.routing")

Processor = Callable[[Any], Any]
"""Takes an event; returns None (as it is now), or what takes its place; or raises EventEmissionExit."""


class Backend(Protocol):
    """Receives events in the emitting thread."""

    def send(self, event: Any) -> None:
        """Take `event`. What it raises is counted and logged, and reaches nobody else."""
        ...


class RoutingBackend:
    """Runs processors over each event and sends the result to backends; nestable at will.

    Backends get the event in the order of their names. A processor that raises is skipped, unless it fails
    closed; then the event ends here. No backend and no processor sees what another one did to the event,
    but for the processors of one router, which work on each other's results.
    """

    mutates = False

    def __init__(
        self,
        backends: Mapping[str, Backend] | None = None,
        processors: Iterable[Processor] | None = None,
    ) -> None:
        self.backends: OrderedDict[str, Backend] = OrderedDict()
        self.processors: list[Processor] = []
        for name in sorted(backends or (), key=str):
            self.register_backend(name, (backends or {})[name])
        for processor in processors or ():
            self.register_processor(processor)

    def register_backend(self, name: str, backend: Backend) -> None:
        """Send later events to `backend` as well, after those registered before. ValueError where it cannot send."""
        if not callable(getattr(backend, "send", None)):
            raise ValueError(f'Backend {name} does not have a callable "send" method.')  # noqa: TRY004  # documented so
        self.backends[name] = backend

    def register_processor(self, processor: Any) -> None:
        """Run `processor` over later events, after those registered before. ValueError where it is not callable."""
        if not callable(processor):
            kind = type(processor)
            raise ValueError(f"Processor {kind.__name__} is not callable.")  # noqa: TRY004
        self.processors.append(processor)

    def send_now(self, name: Any, data: Any, context: dict[str, Any]) -> bool:
        """Send an event of now where only one backend has to see it, and that in parts; return whether it was so.

        Never raises an Exception. What it returns False for is to be sent as a whole.
        """
        backends = self.backends
        if self.processors or len(backends) != 1:
            return False
        for key in backends:
            backend: Any = backends[key]
            if getattr(backend.send, "__func__", None) not in SENDS_BESIDE_NOW:
                return False
            try:
                return backend.send_now(name, data, context) is True
            except Exception as error:  # noqa: BLE001  # the border: a backend's fault stays its own
                _report_backend(key, error)
        return True

    def send(self, event: Any) -> None:
        """Process `event` and hand the result to every backend. Never raises an Exception."""
        try:
            processed = self.process_event(event)
        except EventEmissionExit as end:
            catalogue.EMITTED_DROPPED.add(1, end.reason)
            return
        self.send_to_backends(processed)

    def process_event(self, event: Any) -> Any:
        """Return what the processors make of `event`, which itself stays as it is.

        Raises EventEmissionExit where a processor ended the event, or one that fails closed has failed.
        """
        own = False
        for processor in self.processors:
            if not (own or type(processor) in _UNTOUCHING or leaves_untouched(processor, "__call__")):
                event, own = copy_event(event), True
            try:
                result = processor(event)
            except EventEmissionExit:
                raise
            except Exception as error:  # the border: a processor's fault stays its own
                _report_processor(processor, error)
                if getattr(processor, "fails_closed", False) is True:
                    raise ProtectionFailed from error
            else:
                if result is not None:
                    event = result
        return event

    def send_to_backends(self, event: Any) -> None:
        """Hand `event` to every backend, in order. Never raises an Exception."""
        for name, backend in tuple(self.backends.items()):
            _hand_over(name, backend, event)

    def send_written(self, event: WrittenEvent | UnwrittenEvent) -> None:
        """Do as `send` with the event of `event`, which no processor and no backend has to read.

        Raises nothing but what an event raises that cannot be written, and that only where it has to be.
        """
        written: WrittenEvent | None = None
        if self.processors:
            written = event.written()
            with sending_as(written.id):
                self.send(written.event())
            return
        for name in tuple(self.backends):
            backend: Any = self.backends[name]
            try:
                taken = (
                    getattr(backend.send, "__func__", None) in SENDS_BESIDE_WRITTEN
                    and backend.send_written(event) is True
                )
            except Exception as error:  # noqa: BLE001  # the border: a backend's fault stays its own
                _report_backend(name, error)
                continue
            if not taken:
                if written is None:
                    written = event.written()
                with sending_as(written.id):
                    _hand_over(name, backend, written.event())


_UNTOUCHING: set[type] = set()


def leaves_untouched(part: object, method: str) -> bool:
    """Return whether the class of `part` promises that `method` leaves the event as it is.

    The promise is `mutates = False`, made by the class that defines `method` or one derived from it: a class that
    overrides the method has to make the promise anew.
    """
    kind = type(part)
    if kind in _UNTOUCHING:
        return True
    for base in kind.__mro__:
        if "mutates" in vars(base):
            if vars(base)["mutates"] is False:
                _UNTOUCHING.add(kind)
                return True
            return False
        if method in vars(base):
            break
    return vars(part).get("mutates") is False if hasattr(part, "__dict__") else False


def _hand_over(name: str, backend: Backend, event: Any) -> None:
    try:
        if type(backend) in _UNTOUCHING or leaves_untouched(backend, "send"):
            backend.send(event)
        else:
            backend.send(copy_event(event))
    except (NoTransformerImplemented, NoBackendEnabled) as reason:
        logger.info(
            "A backend does not want an event",
            extra={"backend": str(name), "reason": type(reason).__name__},
        )
    except Exception as error:  # noqa: BLE001  # the border: a backend's fault stays its own
        _report_backend(name, error)


def _report_processor(processor: Processor, error: Exception) -> None:
    name = getattr(processor, "__qualname__", type(processor).__qualname__)
    catalogue.TRACKER_PROCESSOR_FAILURES.add(1, str(name))
    logger.error("A processor failed", extra={"processor": str(name), **_kind_and_place(error)})


def _report_backend(name: str, error: Exception) -> None:
    catalogue.TRACKER_BACKEND_FAILURES.add(1, str(name))
    logger.error("A backend failed to take an event", extra={"backend": str(name), **_kind_and_place(error)})


def _kind_and_place(error: Exception) -> dict[str, str]:
    # what an exception says may quote the event, so only its kind and place are logged
    trace, place = error.__traceback__, ""
    while trace is not None:
        place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
        trace = trace.tb_next
    return {"error": type(error).__name__, "place": place}


__all__ = ["Backend", "EmittedEvent", "Processor", "RoutingBackend", "leaves_untouched"]
