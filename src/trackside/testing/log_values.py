"""Events, batches and a clock for tests of a log."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from msgspec import Raw

from trackside.event import Batch, Event, Reject
from trackside.log.base import Committed, Log, append_and_wait

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

MakeLog = Callable[..., Log]
"""Opens a log: `make_log(clock=…, **settings)`; where an engine keeps anything, the same one each time."""


class ManualClock:
    """A clock that stands still until it is told to go on."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """Return the time it shows."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


def make_event(
    number: int,
    *,
    name: str = "Lesson Opened",
    source: str = "web",
    received_at: datetime = NOON,
    data: bytes = b'{"step":1}',
) -> Event:
    """Return an event with the id `event-NUMBER`."""
    return Event(
        id=f"event-{number}",
        name=name,
        type="track",
        source=source,
        timestamp=NOON - timedelta(seconds=number % 1_000),
        received_at=received_at,
        data=Raw(data),
        context=Raw(b"{}"),
        user_id=str(number),
        clock_flags=("test",),
    )


def make_reject(number: int) -> Reject:
    """Return a reject whose detail is its number."""
    return Reject(source="web", received_at=NOON, reason="invalid_json", detail=str(number), body=b"{")


def append(log: Log, *events: Event, rejects: tuple[Reject, ...] = ()) -> Committed:
    """Append the events in one batch and return the receipt, which must be that of a commit."""
    receipt = append_and_wait(log, Batch(events=events, rejects=rejects, size_bytes=100 * len(events)))
    assert isinstance(receipt, Committed), receipt
    return receipt


def read_all(log: Log) -> list[tuple[int, str]]:
    """Return position and id of every event the log holds, read page by page."""
    found: list[tuple[int, str]] = []
    after = 0
    while True:
        page = log.read(after, limit=100)
        found += [(position, event.id) for position, event in zip(page.positions, page.events, strict=True)]
        if page.through == after:
            return found
        after = page.through
