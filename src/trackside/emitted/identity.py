"""Which id an event has on its way, where somebody before the backends knows it.

An event as the tracker emits it has no id. Who hands one over for a second time (a task that is tried again, an
outbox that cannot know whether its last attempt went through) says whose it is, so that it is stored and
sent under the same id each time.
"""

from contextvars import ContextVar

_id: ContextVar[str | None] = ContextVar("trackside_event_id", default=None)

event_id = _id.get
"""Return the id of the event that is being sent, or None where nobody knows one."""


class SendingAs:
    """Lets backends know the event sent within the block under this id, 1 to 100 characters."""

    __slots__ = ("_given", "_token")

    def __init__(self, id_: str | None) -> None:
        self._given = id_

    def __enter__(self) -> None:
        self._token = _id.set(self._given)

    def __exit__(self, *_: object) -> None:
        _id.reset(self._token)


sending_as = SendingAs
