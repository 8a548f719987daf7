"""After a crash: which lines are in files already although nobody noted it."""

from collections import Counter
from hashlib import blake2b
from typing import Final

FORGET_AFTER_EVENTS: Final = 50_000
"""What was found after a crash and did not come again among so many events will not come: it is several times
what a worker sends before it notes its position."""


class Written:
    """The lines that need not be written again, each as often as it was found."""

    def __init__(self) -> None:
        self._lines: Counter[bytes] = Counter()

    def __bool__(self) -> bool:
        return bool(self._lines)

    def add(self, line: bytes) -> None:
        """Note that `line` (without its end) is in a file."""
        self._lines[_digest(line)] += 1

    def take(self, line: bytes) -> bool:
        """Return whether `line` was written, and count it as done."""
        digest = _digest(line)
        left = self._lines.get(digest)
        if left is None:
            return False
        if left == 1:
            del self._lines[digest]
        else:
            self._lines[digest] = left - 1
        return True


def _digest(line: bytes) -> bytes:
    return blake2b(line, digest_size=16).digest()
