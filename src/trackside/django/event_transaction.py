"""One id for all events that one action of a user leads to, over requests and the tasks they start.

In a request the id lasts until its end; give it to a task by its arguments and set it there:

    from trackside.django import event_transaction
    grade.delay(..., event_transaction_id=str(event_transaction.create_new_event_transaction_id()))
"""

from contextvars import ContextVar
from uuid import UUID, uuid4

_id: ContextVar[UUID | None] = ContextVar("trackside_event_transaction_id", default=None)
_type: ContextVar[str | None] = ContextVar("trackside_event_transaction_type", default=None)


def get_event_transaction_id() -> UUID | None:
    """Return the id of what goes on now, or None where nobody has made one."""
    return _id.get()


def create_new_event_transaction_id() -> UUID:
    """Make a new id, of which everything from here on is part, and return it."""
    made = uuid4()
    _id.set(made)
    return made


def set_event_transaction_id(new_id: UUID | str) -> None:
    """Make what follows part of the transaction `new_id`. Raises ValueError where that is no UUID."""
    _id.set(new_id if isinstance(new_id, UUID) else UUID(new_id))


def get_event_transaction_type() -> str | None:
    """Return what kind of action goes on (`edx.grades.problem.submitted`), or None where nobody said."""
    return _type.get()


def set_event_transaction_type(action_type: str) -> None:
    """Say what kind of action goes on."""
    _type.set(action_type)


def forget() -> None:
    """Leave the transaction: what follows is part of none."""
    _id.set(None)
    _type.set(None)
