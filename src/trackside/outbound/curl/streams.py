"""Connections on which several requests are under way at a time (HTTP/2), and whether anything comes on them."""

from typing import Final

KNOWN_CONNECTIONS: Final = 4_096
SILENT_S: Final = 5.0
"""A connection on which nothing was answered for so long is given up, also while others wait on it."""

_NO_FRAMES: Final = ("nghttp2 ", "Remote peer returned unexpected data")

Ours = tuple[str, int]
"""Our side of a connection: address and port."""


def is_broken(message: str) -> bool:
    """Return whether what curl says of a request that was not answered in time is that frames were none.

    It goes on waiting then: its goodbye is to be answered first.
    """
    return message.startswith(_NO_FRAMES)


class Streams:
    """Remembers when connections of HTTP/2 were last heard.

    A request over HTTP/1.1 that is not answered in time takes its connection along. Over HTTP/2 curl ends only its
    stream, and a dead connection would be given to the next requests for as long as the system tries to reach the peer.
    """

    def __init__(self) -> None:
        self.plain: set[str] = set()
        """URLs to begin with HTTP/1.1 at."""
        self._heard_s: dict[Ours, float] = {}
        self._silent_since_s: dict[Ours, float] = {}

    def hear(self, ours: Ours, *, at_s: float) -> None:
        """Take note that somebody was answered."""
        if ours not in self._heard_s and len(self._heard_s) >= KNOWN_CONNECTIONS:
            self._heard_s.clear()  # what is heard of them at rest ends them, until they are heard again
        self._heard_s[ours] = at_s
        if self._silent_since_s:
            self._silent_since_s.pop(ours, None)

    def want_plain(self, url: str) -> None:
        """Take note that a receiver had refused a request over HTTP/2 and answered it over HTTP/1.1."""
        if len(self.plain) >= KNOWN_CONNECTIONS:
            self.plain.clear()
        self.plain.add(url)

    def carried(self, ours: Ours) -> bool:
        """Return whether somebody was answered over HTTP/2 on it."""
        return ours in self._heard_s

    def forget(self, ours: Ours) -> bool:
        """Forget a connection; return whether it was known."""
        self._silent_since_s.pop(ours, None)
        return self._heard_s.pop(ours, None) is not None

    def seems_dead(self, ours: Ours, *, waited_s: float, now_s: float, others: bool) -> bool:
        """Return whether to give a connection up after a request waited in vain; `others` are under way on it.

        Their deadlines are not touched as long as somebody is answered, or the silence is short.
        """
        began_s = now_s - waited_s
        if self._heard_s.get(ours, began_s) > began_s:
            return False
        if len(self._silent_since_s) >= KNOWN_CONNECTIONS:
            self._silent_since_s.clear()
        since_s = self._silent_since_s.setdefault(ours, began_s)
        if others and now_s - since_s < SILENT_S:
            return False
        self._heard_s[ours] = (
            began_s  # known, so that its end at rest is not taken for one that curl has closed
        )
        return True
