"""What an id can be, by the kind of primary key that the users have."""

from collections.abc import Callable
from typing import Literal

from trackside.users.base import InvalidUserIdError

IdKind = Literal["integer", "text"]

LONGEST_TEXT = 255
LOWEST, HIGHEST = -(2**63), 2**63 - 1
"""What a database's largest whole numbers hold; no user has an id beyond."""


def whole_number(value: object) -> int:
    """Return the id that `value` is where ids are whole numbers: 10 also for `" 10 "`, `"1_0"` and 10.7.

    The rules are those of Django's integer keys, which are Python's `int()`. Raises InvalidUserIdError.
    """
    if type(value) is int:
        return value
    try:
        return int(value)  # type: ignore[call-overload,no-any-return]
    except (TypeError, ValueError, OverflowError) as error:  # a list; no number, or too long; without an end
        raise InvalidUserIdError("an id is a whole number, and this is none") from error


def text(value: object) -> str:
    """Return the id that `value` is where ids are text; a whole number is its digits. Raises InvalidUserIdError."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise InvalidUserIdError(f"an id is a text, not {type(value).__name__}")
    if isinstance(value, int):
        value = str(value) if value.bit_length() < 1_000 else ""
    if not 0 < len(value) <= LONGEST_TEXT:
        raise InvalidUserIdError(f"an id has 1 to {LONGEST_TEXT} characters")
    return value


KEYS: dict[IdKind, Callable[[object], int | str]] = {"integer": whole_number, "text": text}
"""Kind → what turns a value into an id, or raises InvalidUserIdError."""


def is_storable(value: str) -> bool:
    """Return whether any database takes this text as a parameter: without NUL, without halves of characters."""
    try:
        return b"\0" not in value.encode()
    except UnicodeEncodeError:
        return False
