"""An event whose data is JSON already, or will be: who made it has looked at all of it, so that nobody else has to."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol, TypeVar

from msgspec import Raw, Struct

from trackside.event import decode_object

Send = TypeVar("Send", bound=Callable[..., None])

SENDS_BESIDE_WRITTEN: set[Any] = set()
"""Every `send` that `also_written` was said of."""


class WrittenEvent(Struct, frozen=True, gc=False):
    """What `EmittedEvent` says, ready to be kept. Nobody changes its context."""

    id: str
    """The one it is sent as (see `emitted.identity`), 1 to 100 characters."""
    name: str
    timestamp: datetime
    data: bytes
    """A JSON object, compact and on one line, with times as `encode_json` writes them."""
    context: dict[str, Any]
    user_id: str | None
    extra: bytes
    """JSON members, each with a comma before it; b"" where there are none."""

    def written(self) -> "WrittenEvent":
        """Return itself."""
        return self

    def event(self) -> dict[str, Any]:
        """Return the event as `Tracker.emit_event` takes it."""
        return {
            "name": self.name,
            "timestamp": self.timestamp,
            "data": decode_object(Raw(self.data)),
            "context": dict(self.context),
            "user_id": self.user_id,
            "extra": decode_object(Raw(b"{%b}" % self.extra[1:])),
        }


class UnwrittenEvent(Protocol):
    """What can be written at any time, in any thread: nothing that it holds can change any more."""

    @property
    def size_bytes(self) -> int:
        """So much it takes in memory, about; its JSON has not more bytes."""
        ...

    def written(self) -> WrittenEvent:
        """Return it as JSON, the same each time. Raises an exception for what has none."""
        ...


def also_written(send: Send) -> Send:
    """Promise that the method `send_written(event: WrittenEvent | UnwrittenEvent) -> bool` beside it does the same.

    It returns False, with nothing done, to get what `event.written().event()` returns by `send`. The promise is the
    function's, as that of `also_now` is.
    """
    SENDS_BESIDE_WRITTEN.add(send)
    return send
