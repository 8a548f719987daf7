"""Which events wait for which: of one user's, a later one never goes before an earlier one that is still to go."""

import logging
from collections.abc import Callable
from hashlib import blake2b
from typing import Final

import msgspec

from trackside.event import Event

logger = logging.getLogger(__name__)

NOTHING: Final = "{}"
_NOTE = msgspec.json.Decoder(dict[str, set[int]])


class Queues:
    """Remembers, for each user, the positions of events that were tried, or held, and have not got through.

    Such an event waits in a row of its own, and the position has passed it: without this nobody would know, when the
    next event of the user comes, that there is one before it. The note of it is kept in one transaction with those
    rows; it holds no user's id, only what is made from it.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._waiting: dict[str, set[int]] = {}
        self._due_at: dict[str, float] = {}

    def restore(self, note: str | None) -> None:
        """Begin with what `note` returned."""
        self._waiting, self._due_at = {}, {}
        try:
            self._waiting = _NOTE.decode(note or NOTHING)
        except msgspec.MsgspecError:
            logger.warning("the note of a webhook cannot be read: one user's events may go in another order")

    def note(self) -> str:
        """Return what is remembered, as text."""
        return msgspec.json.encode(self._waiting, order="sorted").decode()

    def holds(self, queue: str, position: int) -> bool:
        """Return whether an event of this position has to wait for an earlier one."""
        waiting = self._waiting.get(queue)
        return waiting is not None and min(waiting) < position

    def wait(self, queue: str, position: int, *, due_s: float | None = None) -> None:
        """Note that the event has not got through; with `due_s`, that it is tried again in so many seconds."""
        self._waiting.setdefault(queue, set()).add(position)
        if due_s is not None:
            self._due_at[queue] = self._monotonic() + due_s

    def leave(self, queue: str, position: int) -> None:
        """Note that the event waits no more: it is delivered, or dead."""
        waiting = self._waiting.get(queue)
        if waiting is None or position not in waiting:
            return
        waiting.remove(position)
        self._due_at.pop(queue, None)
        if not waiting:
            del self._waiting[queue]

    def due_s(self, queue: str) -> float:
        """Return when the first of the queue is tried again, as far as is known."""
        due_at = self._due_at.get(queue)
        return 0.0 if due_at is None else max(0.0, due_at - self._monotonic())


def queue_of(event: Event) -> str | None:
    """Return the name of the queue of an event's user, or visitor; None where nobody is known."""
    if event.user_id:
        who = f"user {event.user_id}"
    elif event.anonymous_id:
        who = f"visitor {event.anonymous_id}"
    else:
        return None
    return blake2b(who.encode("utf-8", "replace"), digest_size=8).hexdigest()
