"""Receivers that answer sooner than a thread falls asleep and wakes up."""

import os
from typing import Final

from trackside.outbound.base import Answer, Failed

NEAR_S: Final = 0.0005
"""One whose last answer took no longer is looked for before sleeping, and no longer than that."""
MOST_KNOWN: Final = 1_024


class Nearby:
    """Remembers, by URL, who answered within `NEAR_S` the last time. It belongs to one thread.

    On a machine with one processor there is nobody: whoever looks would keep the receiver from answering.
    """

    def __init__(self) -> None:
        self._near: set[str] = set()
        self._alone = processors() < 2

    def look_s(self, url: str) -> float:
        """Return for how long to look for an answer before sleeping; 0 where it is not worth it."""
        return NEAR_S if url in self._near else 0.0

    def heed(self, url: str, reply: Answer | Failed) -> None:
        """Note how long it took."""
        if reply.duration_s > NEAR_S or isinstance(reply, Failed):
            self._near.discard(url)
        elif url not in self._near and not self._alone:
            if len(self._near) >= MOST_KNOWN:
                self._near.clear()
            self._near.add(url)


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
