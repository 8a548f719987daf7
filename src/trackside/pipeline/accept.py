"""From what a source decoded to one batch in the log."""

import logging
import traceback
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, assert_never

import msgspec
from msgspec import Struct

from trackside.event import Batch, Event, Reject
from trackside.log.base import Committed, Log, Receipt
from trackside.sources.base import Decoded
from trackside.telemetry import catalogue

logger = logging.getLogger("trackside.pipeline")


class Drop(Struct, frozen=True, gc=False):
    """The event goes no further, on purpose: it is counted and its content is not kept."""

    reason: str


class Refuse(Struct, frozen=True, gc=False):
    """The event must not be stored: it becomes a reject with this reason, its content kept for inspection."""

    reason: str
    detail: str


class Processor(Protocol):
    """Looks at each event before it is stored: gives it on (changed or not), drops it or refuses it."""

    def __call__(self, event: Event) -> Event | Drop | Refuse:
        """Return what becomes of `event`. An exception refuses it without keeping its content."""
        ...


class Pipeline:
    """Brings what a source decoded into the log: processors in order, then one append for the request."""

    def __init__(
        self,
        log: Log,
        processors: Sequence[Processor] = (),
        *,
        dropped: Callable[[Event, Drop], None] | None = None,
    ) -> None:
        self._log = log
        self._processors = tuple(processors)
        self._dropped = dropped

    def accept(self, decoded: Decoded, size_bytes: int, done: Callable[[Receipt], None]) -> None:
        """Append what `decoded` holds; `done` is called once, with the receipt, when it is durable.

        Where nothing is left to keep, `done` is called before this returns, and nothing is written.
        `size_bytes` is the length of the decoded body. Raises LogBusy and LogClosed as the log does.
        """
        batch = self._batch(decoded, size_bytes)
        if not batch.events and not batch.rejects:
            done(Committed(0, 0, 0))
            return
        self._log.append(batch, done)

    def accept_all(
        self, arrived: Iterable[tuple[Decoded, int]], done: Callable[[Sequence[Receipt]], None]
    ) -> Sequence[Receipt] | None:
        """Do as `accept` for several requests; return a receipt for each where they could be stored at once.

        Otherwise returns None, and `done` is called with the receipts, once, from the log's own thread.
        """
        batches = [self._batch(decoded, size_bytes) for decoded, size_bytes in arrived]
        receipts = self._log.commit_now(batches)
        if receipts is None:
            self._log.append_all(batches, done)
        return receipts

    def _batch(self, decoded: Decoded, size_bytes: int) -> Batch:
        events, rejects = decoded.events, decoded.rejects
        if self._processors:
            events, rejects = self._process(events, rejects)
        return Batch(events=tuple(events), rejects=tuple(rejects), size_bytes=size_bytes)

    def _process(
        self, events: Sequence[Event], rejects: Sequence[Reject]
    ) -> tuple[Sequence[Event], Sequence[Reject]]:
        kept: list[Event] = []
        refused = list(rejects)
        for event in events:
            match self._run(event):
                case Event() as changed:
                    kept.append(changed)
                case Reject() as reject:
                    refused.append(reject)
                case Drop() as drop:
                    catalogue.EVENTS_DROPPED.add(1, event.source, drop.reason)
                    if self._dropped is not None:
                        self._dropped(event, drop)
        return kept, refused

    def _run(self, event: Event) -> Event | Drop | Reject:
        current = event
        for processor in self._processors:
            try:
                result = processor(current)
                match result:
                    case Event():
                        current = result
                    case Drop():
                        return result
                    case Refuse(reason, detail):
                        return _reject(event, reason, detail, msgspec.json.encode(current))
                    case _:
                        assert_never(result)
            # the border: a broken redaction must not let the unredacted event through
            except Exception as error:  # noqa: BLE001  # logged without what it says
                _report_failure(processor, event, error)
                return _reject(event, "processor_failed", "a processor raised; see the server's log", b"")
        return current


def _report_failure(processor: Processor, event: Event, error: Exception) -> None:
    # what an exception says may quote the event, so only its kind and place are logged
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}"
    name = getattr(processor, "__qualname__", type(processor).__qualname__)
    facts = {"processor": name, "error": type(error).__name__, "place": place}
    logger.error("A processor failed; its event is refused", extra=facts)
    catalogue.PROCESSOR_FAILURES.add(1, name)
    failed = catalogue.ProcessorFailed(processor=name, source=event.source, error=type(error).__name__)
    catalogue.PROCESSOR_FAILED.send(failed)


def _reject(event: Event, reason: str, detail: str, body: bytes) -> Reject:
    return Reject(source=event.source, received_at=event.received_at, reason=reason, detail=detail, body=body)
