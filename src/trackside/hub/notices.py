"""What Trackside tells its operators as an event, so that it can go wherever events go."""

from datetime import UTC, datetime
from uuid import uuid4

import msgspec
from msgspec import Raw

from trackside.event import EMITTED, EMPTY_OBJECT, Batch, Event
from trackside.log.base import Log
from trackside.telemetry.catalogue import DestinationDisabled

NOTICE_SOURCE = "trackside"
DISABLED = "trackside.destination.disabled"


def append_disabled(log: Log, notice: DestinationDisabled) -> None:
    """Let the log have an event of the notice; it does not wait for the disk. Raises LogBusy, LogClosed.

    The destination itself is paused and gets it with the rest, once it is resumed: no loop can come of it.
    """
    now = datetime.now(UTC)
    event = Event(
        id=f"trackside-{uuid4().hex}",
        name=DISABLED,
        type="track",
        source=NOTICE_SOURCE,
        timestamp=now,
        received_at=now,
        data=Raw(msgspec.json.encode(notice)),
        context=EMPTY_OBJECT,
        extra=EMITTED,
    )
    log.append(Batch(events=(event,), size_bytes=len(bytes(event.data))), lambda _: None)
