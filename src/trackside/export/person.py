"""Which events are of a user."""

from collections.abc import Iterable
from typing import Final

import msgspec

from trackside.event import Event

_IN_CONTEXT: Final = ("user_id", "username")


class Person:
    """Tells whether an event is of one of some users, each known by an id or a username.

    It is where the event's `user_id`, or `user_id` or `username` in its context, is one of these: as text, or as the
    whole number that the text is.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)
        self._numbers = frozenset(name for name in self._names if name.isdecimal() and name.isascii())
        self._signs = [*map(msgspec.json.encode, self._names), *map(str.encode, self._numbers)]

    def has(self, event: Event) -> bool:
        """Return whether the event is of one of them."""
        if event.user_id in self._names:
            return True
        context = bytes(event.context)
        has_sign = any(sign in context for sign in self._signs)
        if not has_sign and b"\\" not in context:  # with escapes a text may be written in other ways
            return False
        try:
            found = event.decoded_context()
        except (ValueError, RecursionError):
            return has_sign  # nobody can look into it: rather one event too many of somebody's own
        return any(self._is_one(found.get(name)) for name in _IN_CONTEXT)

    def _is_one(self, value: object) -> bool:
        if isinstance(value, str):
            return value in self._names
        return isinstance(value, int) and not isinstance(value, bool) and str(value) in self._numbers
