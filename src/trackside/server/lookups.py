"""Users that requests wait for: looked up in a thread, many with one question, while the event loop goes on."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable

from trackside.errors import TracksideError
from trackside.sources.base import NeedsUsers
from trackside.users.base import Directory, UsersUnavailable, Wanted

logger = logging.getLogger("trackside.server")

TIMEOUT_S = 4.0
"""Segment's servers wait five seconds for an answer; then they send the event again."""
MOST_WAITING = 1_000
"""Requests that may wait for the users of one directory; each holds its body."""

Then = Callable[[bool], None]
"""Called once, in the loop, with whether the users are loaded."""


class Lookups:
    """Has directories load users. Made in the event loop it serves."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._lines: dict[int, _Line] = {}

    def look_up(self, needs: NeedsUsers, then: Then) -> bool:
        """Have the users loaded, and `then` called; return False where too many requests wait already."""
        line = self._lines.setdefault(id(needs.directory), _Line(self._loop, needs.directory))
        return line.join(needs.wanted, then)


class _Line:
    """Who waits for one directory. It is asked one question at a time: what is wanted meanwhile is the next one."""

    def __init__(self, loop: asyncio.AbstractEventLoop, directory: Directory) -> None:
        self._loop = loop
        self._directory = directory
        self._next: list[tuple[frozenset[Wanted], Then]] = []
        self._asked: list[Then] = []
        self._busy = False
        self._timer: asyncio.TimerHandle | None = None

    def join(self, wanted: frozenset[Wanted], then: Then) -> bool:
        if len(self._next) + len(self._asked) >= MOST_WAITING:
            return False
        self._next.append((wanted, then))
        if not self._busy:
            self._busy = True
            self._loop.call_soon(self._ask)  # with what else arrives in this turn of the loop
        return True

    def _ask(self) -> None:
        asked, self._next = self._next, []
        self._asked = [then for _, then in asked]
        wanted = frozenset().union(*(each for each, _ in asked))
        self._timer = self._loop.call_later(TIMEOUT_S, self._give_up)
        threading.Thread(target=self._load, args=(wanted,), name="trackside-users", daemon=True).start()

    def _load(self, wanted: frozenset[Wanted]) -> None:
        loaded = False
        try:
            self._directory.load(wanted)
            loaded = True
        except UsersUnavailable as error:
            logger.warning("Users cannot be looked up: %s", error)
        except TracksideError as error:
            logger.error("Users cannot be looked up: %s", error)
        except Exception:  # the border: whoever waits is told "later"
            logger.exception("Users cannot be looked up")
        with contextlib.suppress(RuntimeError):  # the loop was closed by a stop that did not wait for anybody
            self._loop.call_soon_threadsafe(self._tell, loaded)

    def _tell(self, loaded: bool) -> None:
        if self._timer is not None:
            self._timer.cancel()
        asked, self._asked = self._asked, []
        self._busy = bool(self._next)
        if self._busy:
            self._loop.call_soon(self._ask)
        for then in asked:
            then(loaded)

    def _give_up(self) -> None:
        """Tell all that wait: their senders hang up soon. The question asked is still waited for by nobody."""
        waiting = [*self._asked, *(then for _, then in self._next)]
        self._asked, self._next = [], []
        for then in waiting:
            then(False)
