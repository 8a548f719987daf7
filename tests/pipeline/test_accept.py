"""From what was decoded to the log."""

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
import pytest
from msgspec import Raw

from trackside.config.settings import LogSettings
from trackside.errors import LogBusy
from trackside.event import EMPTY_OBJECT, Batch, Event, Reject
from trackside.log.base import Committed, Receipt
from trackside.log.memory import MemoryLog
from trackside.pipeline.accept import Drop, Pipeline, Processor, Refuse
from trackside.sources.base import Decoded, Reply

NOW = datetime(2026, 11, 20, tzinfo=UTC)
OK = Reply(status=200)


class Recorder(MemoryLog):
    """A log that remembers what it was given, and answers at once."""

    def __init__(self) -> None:
        super().__init__(LogSettings())
        self.batches: list[Batch] = []

    def append(self, batch: Batch, done: Callable[[Receipt], None]) -> None:
        """Take the batch."""
        self.batches.append(batch)
        done(Committed(len(batch.events), 0, len(batch.events)))


class Full(Recorder):
    """A log that takes nothing."""

    def append(self, batch: Batch, done: Callable[[Receipt], None]) -> None:
        """Refuse."""
        raise LogBusy("full", retry_after_s=7)


def make_event(name: str) -> Event:
    return Event(
        id=name, name=name, type="track", source="web", timestamp=NOW, received_at=NOW, data=Raw(b'{"a":1}'),
        context=EMPTY_OBJECT,
    )  # fmt: skip


REJECT = Reject(source="web", received_at=NOW, reason="invalid_json", detail="not JSON", body=b"{")


def accept(
    decoded: Decoded, *processors: Processor, dropped: Callable[[Event, Drop], None] | None = None
) -> tuple[list[Batch], list[Receipt]]:
    log, receipts = Recorder(), list[Receipt]()
    Pipeline(log, processors, dropped=dropped).accept(decoded, 123, receipts.append)
    return log.batches, receipts


def test_one_request_is_one_append() -> None:
    """Events and rejects of a request go into the log together, with the size of its body."""
    events = [make_event("a"), make_event("b")]
    batches, receipts = accept(Decoded(reply=OK, events=events, rejects=[REJECT]))
    assert [(list(each.events), list(each.rejects), each.size_bytes) for each in batches] == [
        (events, [REJECT], 123)
    ]
    assert receipts == [Committed(2, 0, 2)]


def test_nothing_to_keep_is_done_at_once() -> None:
    """A request that brings nothing waits for no commit."""
    batches, receipts = accept(Decoded(reply=OK))
    assert batches == []
    assert receipts == [Committed(0, 0, 0)]


def test_processors_run_in_their_order() -> None:
    """Each sees what the one before made of the event."""

    def first(event: Event) -> Event:
        return msgspec.structs.replace(event, name=event.name + "1")

    def second(event: Event) -> Event:
        return msgspec.structs.replace(event, name=event.name + "2")

    batches, _ = accept(Decoded(reply=OK, events=[make_event("a")]), first, second)
    assert [event.name for event in batches[0].events] == ["a12"]


def test_a_dropped_event_is_told_and_not_stored() -> None:
    """Dropping is on purpose: the neighbour is stored, and somebody can count."""
    told: list[tuple[str, str]] = []
    batches, _ = accept(
        Decoded(reply=OK, events=[make_event("a"), make_event("b")]),
        lambda event: Drop("sampled") if event.name == "a" else event,
        dropped=lambda event, drop: told.append((event.name, drop.reason)),
    )
    assert [event.name for event in batches[0].events] == ["b"]
    assert told == [("a", "sampled")]


def test_everything_dropped_is_done_at_once() -> None:
    """Where nothing is left, nothing is written."""
    batches, receipts = accept(Decoded(reply=OK, events=[make_event("a")]), lambda event: Drop("sampled"))
    assert batches == []
    assert receipts == [Committed(0, 0, 0)]


def test_a_refused_event_is_kept_for_inspection() -> None:
    """A refusal becomes a reject with the event's content."""
    batches, _ = accept(
        Decoded(reply=OK, events=[make_event("a")], rejects=[REJECT]),
        lambda event: Refuse("schema", "no such name"),
    )
    assert not batches[0].events
    kept, refused = batches[0].rejects
    assert kept == REJECT
    assert (refused.reason, refused.detail, refused.source) == ("schema", "no such name", "web")
    assert b'"a"' in refused.body


def test_a_failing_processor_fails_closed(caplog: pytest.LogCaptureFixture) -> None:
    """What a broken redaction should have removed goes nowhere: not on, and not to the rejects."""

    def broken(event: Event) -> Event:
        raise ValueError(event.name)

    def never(event: Event) -> Event:
        raise AssertionError(event)

    batches, _ = accept(Decoded(reply=OK, events=[make_event("secret")]), broken, never)
    assert not batches[0].events
    (reject,) = batches[0].rejects
    assert reject.reason == "processor_failed"
    assert reject.body == b""
    (record,) = caplog.records
    assert record.__dict__["error"] == "ValueError"
    assert "broken" in record.__dict__["processor"]
    assert "secret" not in str(record.__dict__)


def test_a_processor_that_forgets_to_return_fails_closed() -> None:
    """None is not "go on"."""
    batches, _ = accept(Decoded(reply=OK, events=[make_event("a")]), lambda event: None)  # type: ignore[arg-type]
    assert not batches[0].events
    assert [reject.reason for reject in batches[0].rejects] == ["processor_failed"]


def test_a_full_log_is_told() -> None:
    """The caller learns that nothing was taken, and nobody is called."""
    receipts: list[Receipt] = []
    with pytest.raises(LogBusy):
        Pipeline(Full()).accept(Decoded(reply=OK, events=[make_event("a")]), 1, receipts.append)
    assert receipts == []
