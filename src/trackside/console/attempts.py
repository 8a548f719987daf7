"""What the pages show of attempts: those of a destination, and one with all that was sent and answered."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from trackside.attempts.base import STATUS_CLASSES, Attempt, AttemptStore, Query, StoredAttempt
from trackside.log.base import Log

SHOWN = 25
FAILED = "failed"
FILTERS = ("", FAILED, *STATUS_CLASSES)
"""What of a destination's attempts is shown: all, those that failed, those of one class of status."""


class AttemptRow(Struct, frozen=True, kw_only=True):
    """One attempt as a row."""

    id: int
    attempt: Attempt
    next_at: datetime | None
    """When the event is tried again, where this was its last attempt and it waits for another."""

    @property
    def answer(self) -> str:
        """What came back in a word: the status, or why there was none."""
        return str(self.attempt.status or self.attempt.fault or "-")

    @property
    def duration_ms(self) -> float:
        """How long it took."""
        return self.attempt.duration_s * 1e3


class AttemptList(Struct, frozen=True, kw_only=True):
    """Attempts of a destination, newest first."""

    rows: Sequence[AttemptRow]
    chosen: str
    """One of `FILTERS`."""
    before: int | None
    """Where the next page begins; None where there is nothing behind."""
    filters: Sequence[str] = FILTERS


class AttemptPage(Struct, frozen=True, kw_only=True):
    """Everything on the page of an attempt."""

    row: AttemptRow
    request_text: str
    response_text: str

    @property
    def name(self) -> str:
        """The destination's name."""
        return self.row.attempt.destination


def newest(
    log: Log, store: AttemptStore | None, name: str, *, chosen: str, before: int | None
) -> AttemptList | None:
    """Return the newest attempts of a destination; None where none are kept."""
    if store is None:
        return None
    query = Query(
        destination=name,
        failed=chosen == FAILED,
        status=next((each for each in STATUS_CLASSES if each == chosen), None),
    )
    page = store.page(query, before=before, limit=SHOWN)
    return AttemptList(
        rows=_rows(log, page.attempts), chosen=chosen if chosen in FILTERS else "", before=page.before
    )


def read(log: Log, store: AttemptStore | None, number: int) -> AttemptPage | None:
    """Return the attempt of this number; None where it is not kept (any more)."""
    attempt = None if store is None else store.find(number)
    if attempt is None:
        return None
    (row,) = _rows(log, [StoredAttempt(number, attempt)])
    return AttemptPage(
        row=row, request_text=_text(attempt.request_body), response_text=_text(attempt.response_body)
    )


def _rows(log: Log, found: Sequence[StoredAttempt]) -> Sequence[AttemptRow]:
    positions: dict[str, list[int]] = {}
    for each in found:
        positions.setdefault(each.attempt.destination, []).append(each.attempt.position)
    known = set(log.subscriptions())
    due = {
        (name, waiting.position, waiting.attempt): waiting.due_at
        for name, wanted in positions.items()
        if name in known
        for waiting in log.subscription(name).waiting_at(wanted)
    }
    return [
        AttemptRow(
            id=each.id,
            attempt=each.attempt,
            next_at=due.get((each.attempt.destination, each.attempt.position, each.attempt.number)),
        )
        for each in found
    ]


def _text(body: bytes) -> str:
    return body.decode("utf-8", "replace")
