"""What follows from some JSON alone, worked out once for all events that carry the same bytes."""

from collections.abc import Callable
from typing import Generic, TypeVar

from msgspec import Raw

T = TypeVar("T")


class Memo(Generic[T]):
    """`memo(raw)` is `make(raw)`, remembered while not too many others are asked for.

    What is remembered must not hold on to the Raw it was made of: that one keeps a whole chunk of the log in
    memory.
    """

    __slots__ = ("_known", "_largest_bytes", "_make", "_most")

    def __init__(self, make: Callable[[Raw], T], *, most: int, largest_bytes: int) -> None:
        self._make = make
        self._most = most
        self._largest_bytes = largest_bytes
        self._known: dict[bytes, T] = {}

    def __call__(self, raw: Raw) -> T:
        """Return what follows from `raw`."""
        text = bytes(raw)
        answer = self._known.get(text)
        if answer is None:
            answer = self._make(raw)
            if len(text) <= self._largest_bytes:  # what clients send must not fill the memory
                if len(self._known) >= self._most:
                    self._known.clear()
                self._known[text] = answer
        return answer
