"""Answers that count for a while: the same question is not asked again."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from trackside.outbound.base import Answer, Failed
from trackside.webfilters.replies import Failure

Reply = Answer | Failed | Failure
"""What came back, or, where it could not be used, why not."""
MOST_REPLIES: Final = 2_000
MOST_BYTES: Final = 4_096
"""A longer answer is not remembered."""


class Memory:
    """Remembers replies by what was asked, the ones used last; safe from every thread."""

    def __init__(self, monotonic: Callable[[], float], *, most: int = MOST_REPLIES) -> None:
        self._monotonic = monotonic
        self._most = most
        self._lock = threading.Lock()
        self._replies: OrderedDict[str, tuple[float, Reply]] = OrderedDict()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is remembered."""
        return not self._replies

    def recall(self, key: str) -> Reply | None:
        """Return the reply that still counts."""
        with self._lock:
            until, reply = self._replies.get(key, (0.0, None))
            if reply is None:
                return None
            if until <= self._monotonic():
                del self._replies[key]
                return None
            self._replies.move_to_end(key)
            return reply

    def keep(self, key: str, reply: Reply, for_s: float) -> None:
        """Let a reply count for so long."""
        if for_s <= 0 or (isinstance(reply, Answer) and len(reply.body) > MOST_BYTES):
            return
        with self._lock:
            self._replies[key] = (self._monotonic() + for_s, reply)
            self._replies.move_to_end(key)
            if len(self._replies) > self._most:
                self._replies.popitem(last=False)
