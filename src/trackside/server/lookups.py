"""Users that requests wait for: looked up in a thread, many with one question, while the event loop goes on."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Sequence

from msgspec import Struct

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


class _Waiting(Struct, frozen=True, gc=False):
    until: float
    """By the loop's clock."""
    wanted: frozenset[Wanted]
    then: Then


class _Line:
    """Who waits for one directory. It is asked one question at a time: what is wanted meanwhile is the next one.

    Nobody waits longer than `TIMEOUT_S`, whether their question was asked by then or an earlier one hangs.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, directory: Directory) -> None:
        self._loop = loop
        self._directory = directory
        self._next: list[_Waiting] = []
        self._asked: list[_Waiting] = []
        self._busy = False
        self._timer: asyncio.TimerHandle | None = None

    def join(self, wanted: frozenset[Wanted], then: Then) -> bool:
        if len(self._next) + len(self._asked) >= MOST_WAITING:
            return False
        self._next.append(_Waiting(self._loop.time() + TIMEOUT_S, wanted, then))
        if not self._busy:
            self._busy = True
            self._loop.call_soon(self._ask)  # with what else arrives in this turn of the loop
        if self._timer is None:
            self._timer = self._loop.call_at(self._next[0].until, self._give_up)
        return True

    def _ask(self) -> None:
        self._asked, self._next = self._next, []
        wanted = frozenset().union(*(each.wanted for each in self._asked))
        thread = threading.Thread(target=self._load, args=(wanted,), name="trackside-users", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # the system has no thread left
            logger.error("Users cannot be looked up: %s", error)
            self._tell(False)

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
        asked, self._asked = self._asked, []
        self._busy = bool(self._next)
        if self._busy:
            self._loop.call_soon(self._ask)
        _answer(asked, loaded)

    def _give_up(self) -> None:
        """Tell those whose senders hang up soon; the answer to their question is waited for all the same."""
        now = self._loop.time()
        late = [each for each in (*self._asked, *self._next) if each.until <= now]
        self._asked = [each for each in self._asked if each.until > now]
        self._next = [each for each in self._next if each.until > now]
        first = next(iter((*self._asked, *self._next)), None)
        self._timer = None if first is None else self._loop.call_at(first.until, self._give_up)
        _answer(late, False)


def _answer(waiting: Sequence[_Waiting], loaded: bool) -> None:
    for each in waiting:
        try:
            each.then(loaded)
        except Exception:  # the border: one request's connection must not keep the others waiting
            logger.exception("A request could not be answered")
