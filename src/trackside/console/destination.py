"""What the page of one destination shows, read from the log."""

from collections.abc import Sequence
from datetime import UTC, datetime

from msgspec import Struct

from trackside.console.overview import DestinationRow, destination_row
from trackside.log.base import Log
from trackside.log.subscription import DeadLetter, Waiting

SHOWN = 50
_FAR = datetime(9999, 1, 1, tzinfo=UTC)


class DestinationPage(Struct, frozen=True, kw_only=True):
    """Everything on the page."""

    row: DestinationRow
    waiting: Sequence[Waiting]
    """The next to be tried first."""
    dead: Sequence[DeadLetter]
    """In order of position."""
    read_at: datetime

    @property
    def name(self) -> str:
        """The destination's name."""
        return self.row.state.name


def read(log: Log, name: str) -> DestinationPage | None:
    """Return how the destination stands, and what of it waits or died; None where there is none of this name."""
    state = log.subscription_states().get(name)
    if state is None:
        return None
    subscription = log.subscription(name)
    return DestinationPage(
        row=destination_row(log, state, log.bounds().last),
        waiting=subscription.due(_FAR, SHOWN),
        dead=subscription.dead_letters(limit=SHOWN),
        read_at=datetime.now(UTC),
    )
