"""The tracker: `emit(name, data)` from the application's own code, with the contexts it was called in.

from trackside import tracker

with tracker.get_tracker().context("request", {"user_id": 7}):
    tracker.emit("edx.course.enrollment.activated", {"course_id": "course-v1:edX+DemoX+2026"})

The names and what they do are those of `eventtracking.tracker`.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import get_ident
from typing import Any

from trackside.emitted import EmittedEvent, UnwrittenEvent, WrittenEvent, waiting_for_commit
from trackside.emitted.identity import sending_as
from trackside.locator import ContextLocator, ContextVarLocator, ThreadLocalContextLocator
from trackside.routing import Backend, Processor, RoutingBackend
from trackside.telemetry import catalogue

UNKNOWN_EVENT_TYPE = "unknown"
DEFAULT_TRACKER_NAME = "default"
DURABLE_TIMEOUT_S = 5.0

LOG = logger = logging.getLogger("trackside.tracker")

TRACKERS: dict[str, "Tracker"] = {}
"""The registered trackers by name."""

_CLOCK = datetime
"""What `datetime` is unless somebody replaced it, to tell other times than those of now."""
_MISSING = object()
_OWN_LOCATORS = frozenset({ContextVarLocator, ThreadLocalContextLocator})


class Tracker:
    """Makes events of what the application says, and sends each through its processors to its backends.

    Nothing that a backend, a processor or an event's own data does reaches the caller of `emit` as an exception.
    """

    def __init__(
        self,
        backends: Mapping[str, Backend] | None = None,
        context_locator: ContextLocator | None = None,
        processors: Iterable[Processor] | None = None,
        *,
        durable_timeout_s: float = DURABLE_TIMEOUT_S,
    ) -> None:
        self.routing_backend = RoutingBackend(backends=backends, processors=processors)
        self.context_locator: ContextLocator = context_locator or ContextVarLocator()
        self.durable_timeout_s = durable_timeout_s

    @property
    def located_context(self) -> MutableMapping[str, Any]:
        """The contexts of the caller, by name, in the order they were entered."""
        return self.context_locator.get()

    @property
    def processors(self) -> list[Processor]:
        """The processors every event goes through."""
        return self.routing_backend.processors

    @property
    def backends(self) -> MutableMapping[str, Backend]:
        """The backends by name, in the order they get events."""
        return self.routing_backend.backends

    def get_backend(self, name: str) -> Backend:
        """Return the backend of this name; KeyError where there is none."""
        return self.backends[name]

    def emit(
        self,
        name: Any = None,
        data: Any = None,
        *,
        durable: bool = False,
        on_commit: bool = False,
    ) -> bool | None:
        """Send an event with this name and data, the time of now and the caller's contexts. Never raises.

        By default it is handed to every backend before this returns, and the result is None.

        `durable`: wait, at most `durable_timeout_s`, until every backend that keeps events has made it
        durable, and return whether that is so; False where none keeps events.
        `on_commit`: the event goes out if and only if the caller's database transaction commits; outside
        of one, at once. With `durable` too the result is True once it is part of that transaction.
        """
        try:
            name, data = name or UNKNOWN_EVENT_TYPE, data or {}
        except Exception as error:  # noqa: BLE001  # the border: an object that cannot tell whether it is empty
            name, data = _salvaged(name, data, error)
        context = self.resolve_context()
        catalogue.EMITTED.one()
        router = self.routing_backend
        try:
            if (
                type(router) is RoutingBackend
                and datetime is _CLOCK
                and not (durable or on_commit)
                and router.send_now(name, data, context)
            ):
                return None
            event = {"name": name, "timestamp": datetime.now(UTC), "data": data, "context": context}
            if durable or on_commit:
                return self._emit_with_promise(event, durable=durable, on_commit=on_commit)
            router.send(event)
        except Exception as error:  # noqa: BLE001  # the border: the application goes on, whatever happened
            _report_drop("tracker_failed", error)
            return False if durable else None
        return None

    def emit_event(
        self, event: EmittedEvent, *, durable: bool = False, on_commit: bool = False
    ) -> bool | None:
        """Do as `emit` with an event that has its own time and context, and may say more (see `EmittedEvent`)."""
        catalogue.EMITTED.one()
        return self._emit_with_promise(event, durable=durable, on_commit=on_commit)

    def emit_written(self, event: WrittenEvent | UnwrittenEvent, *, on_commit: bool = False) -> None:
        """Do as `emit_event` with an event whose data is JSON already, or can be made so at any time."""
        catalogue.EMITTED.one()
        try:
            if on_commit:
                if _on_commit_written is not None:
                    if _on_commit_written(self, event):
                        return
                elif _on_commit is not None:
                    written = event.written()
                    with sending_as(written.id):
                        self._emit_with_promise(written.event(), durable=False, on_commit=True)
                    return
        except Exception as error:  # noqa: BLE001  # see _emit_with_promise
            _report_drop("on_commit_failed", error)
            return
        try:
            router = self.routing_backend
            if type(router) is RoutingBackend:
                router.send_written(event)
            else:
                written = event.written()
                with sending_as(written.id):
                    router.send(written.event())
        except Exception as error:  # noqa: BLE001  # see emit
            _report_drop("tracker_failed", error)

    def resolve_context(self) -> dict[str, Any]:
        """Return a new dict with all contexts of the caller, later ones over earlier ones.

        Nested dicts are replaced, not merged. A context that is no mapping is left out. Never raises.
        """
        merged: dict[str, Any] = {}
        try:
            locator: Any = self.context_locator
            for context in (locator.current() if type(locator) in _OWN_LOCATORS else locator.get()).values():
                merged |= context  # does as `update`, without a call
        except Exception:  # noqa: BLE001  # the border: what is said of the request must not cost the event
            return self._readable_context()
        return merged

    def _readable_context(self) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        try:
            contexts = list(self.context_locator.get().values())
        except Exception as error:  # noqa: BLE001  # see resolve_context
            logger.error("The contexts cannot be located", extra={"error": type(error).__name__})
            return merged
        for context in contexts:
            try:
                merged |= dict(context)
            except Exception:  # noqa: BLE001  # see resolve_context
                logger.warning("A context is no mapping", extra={"type": type(context).__name__})
        return merged

    def enter_context(self, name: str, ctx: Mapping[str, Any]) -> None:
        """Give later events of the caller the fields of `ctx`; one of the same name is replaced, in its place."""
        self.located_context[name] = ctx

    def exit_context(self, name: str) -> None:
        """Take away the context of this name; KeyError where there is none."""
        del self.located_context[name]

    @contextmanager
    def context(self, name: str, ctx: Mapping[str, Any]) -> Iterator[None]:
        """Give events of the block the fields of `ctx`; afterwards an outer context of the same name is back.

        A block that another thread ends, as that of a generator which is thrown away, changes nothing there.
        """
        located, thread = self.located_context, get_ident()
        outer = located.get(name, _MISSING)
        located[name] = ctx
        try:
            yield
        finally:
            if thread != get_ident() and located.get(name) is not ctx:
                pass  # what is there now belongs to others
            elif outer is _MISSING:
                located.pop(name, None)
            else:
                located[name] = outer

    def _emit_with_promise(self, event: EmittedEvent, *, durable: bool, on_commit: bool) -> bool | None:
        try:
            if on_commit and _on_commit is not None and _on_commit(self, event):
                return True if durable else None
        except Exception as error:  # noqa: BLE001  # sent now, it might tell of what is then rolled back
            _report_drop("on_commit_failed", error)
            return False if durable else None
        try:
            if durable:
                return self._send_and_wait(event)
            self.routing_backend.send(event)
        except Exception as error:  # noqa: BLE001  # see emit
            _report_drop("tracker_failed", error)
            return False if durable else None
        return None

    def _send_and_wait(self, event: EmittedEvent) -> bool:
        deadline = time.monotonic() + self.durable_timeout_s
        with waiting_for_commit() as waiters:
            self.routing_backend.send(event)
        return bool(waiters) and all(each.wait(max(0.0, deadline - time.monotonic())) for each in waiters)


OnCommit = Callable[[Tracker, EmittedEvent], bool]
"""Takes charge of an event emitted with `on_commit`, and returns True; False where there is no transaction.

It must have encoded or copied what it keeps before it returns. What it keeps goes to
`tracker.routing_backend.send` after the commit.
"""

OnCommitWritten = Callable[[Tracker, WrittenEvent | UnwrittenEvent], bool]
"""Does the same with an event whose data is JSON already, or can be made so at any time."""

_on_commit: OnCommit | None = None
_on_commit_written: OnCommitWritten | None = None


def set_on_commit(handler: OnCommit | None, written: OnCommitWritten | None = None) -> None:
    """Let `handler` decide about every event emitted with `on_commit`; None: they are sent at once.

    `written` decides about those whose data is JSON already; without it `handler` does, by `WrittenEvent.event`.
    """
    global _on_commit, _on_commit_written  # one process has one database to commit to
    _on_commit, _on_commit_written = handler, written


def register_tracker(tracker: Tracker, name: str = DEFAULT_TRACKER_NAME) -> None:
    """Make `tracker` the one that `get_tracker(name)` returns."""
    TRACKERS[name] = tracker


def get_tracker(name: str = DEFAULT_TRACKER_NAME) -> Tracker:
    """Return the tracker registered under `name`; KeyError where there is none."""
    return TRACKERS[name]


def emit(
    name: Any = None, data: Any = None, *, durable: bool = False, on_commit: bool = False
) -> bool | None:
    """Do as `Tracker.emit` with the default tracker. Never raises; without one the event is counted as dropped."""
    try:
        tracker = get_tracker()
    except KeyError as error:
        _report_drop("no_tracker", error)
        return False if durable else None
    return tracker.emit(name, data, durable=durable, on_commit=on_commit)


def _salvaged(name: Any, data: Any, error: Exception) -> tuple[Any, Any]:
    logger.warning("An event's name or data has no truth value", extra={"error": type(error).__name__})
    return UNKNOWN_EVENT_TYPE if name is None else name, {} if data is None else data


def _report_drop(reason: str, error: Exception) -> None:
    catalogue.EMITTED_DROPPED.add(1, reason)
    logger.error("An event is dropped", extra={"reason": reason, "error": type(error).__name__})
