"""What the first page shows, read from the log."""

from datetime import UTC, datetime

from msgspec import Struct

from trackside.event import Event
from trackside.log.base import Bounds, Log, LogStats, StoredReject
from trackside.log.pending import oldest_pending_at
from trackside.log.subscription import SubscriptionState

_SHOWN = 50
_EXCERPT = 160


class EventRow(Struct, frozen=True, kw_only=True):
    """One event as a row."""

    position: int
    event: Event
    user: str
    excerpt: str
    delay_s: float | None
    """How long before its arrival it happened, by the corrected time."""

    @property
    def before_arrival(self) -> str:
        """The same for people: 7 s, 4 min, 3 h, 935 days."""
        for seconds, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
            if (self.delay_s or 0) >= 2 * seconds:
                return f"{(self.delay_s or 0) / seconds:.0f} {unit}"
        return f"{self.delay_s or 0:.0f} s"


class RejectRow(Struct, frozen=True, kw_only=True):
    """One reject as a row."""

    stored: StoredReject
    excerpt: str


class DestinationRow(Struct, frozen=True, kw_only=True):
    """One destination as a row."""

    state: SubscriptionState
    word: str
    """running, failing or paused."""
    pending: int
    oldest_pending_at: datetime | None
    """When the oldest event was received that it still has to deal with."""


class Overview(Struct, frozen=True, kw_only=True):
    """Everything on the first page."""

    bounds: Bounds
    stats: LogStats
    events: list[EventRow]
    rejects: list[RejectRow]
    destinations: list[DestinationRow]
    read_at: datetime


def read(log: Log, destinations: tuple[str, ...]) -> Overview:
    """Return the last events and rejects, newest first, and the state of the configured destinations."""
    bounds = log.bounds()
    page = log.read(max(bounds.last - _SHOWN, 0), limit=_SHOWN)
    rows = [_event_row(*pair) for pair in zip(page.positions, page.events, strict=True)]
    rejects = [
        RejectRow(stored=stored, excerpt=_text(stored.reject.body)) for stored in log.rejects(limit=20)
    ]
    states = log.subscription_states()
    shown = [name for name in destinations if name in states]
    return Overview(
        bounds=bounds,
        stats=log.stats(),
        events=rows[::-1][:_SHOWN],
        rejects=rejects,
        destinations=[destination_row(log, states[name], bounds.last) for name in shown],
        read_at=datetime.now(UTC),
    )


def destination_row(log: Log, state: SubscriptionState, last: int) -> DestinationRow:
    """Return the row of a destination; `last` is the log's end."""
    return DestinationRow(
        state=state,
        word=_word(state),
        pending=max(0, last - state.position),
        oldest_pending_at=oldest_pending_at(log, state, last),
    )


def _event_row(position: int, event: Event) -> EventRow:
    delay_s = (event.received_at - event.timestamp).total_seconds()
    return EventRow(
        position=position,
        event=event,
        user=event.user_id or event.anonymous_id or "",
        excerpt=_text(bytes(event.data)),
        delay_s=delay_s if delay_s >= 1 else None,
    )


def _word(state: SubscriptionState) -> str:
    if state.paused:
        return "paused"
    return "failing" if state.failing_since else "running"


def _text(content: bytes) -> str:
    text = content[: _EXCERPT * 4].decode("utf-8", "replace")
    return text if len(text) <= _EXCERPT else f"{text[:_EXCERPT]}…"
