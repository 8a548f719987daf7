"""One reader of the log for thousands of destinations: each event goes only to those that want its name."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

from trackside.delivery.routes import Routes
from trackside.delivery.timing import Timing
from trackside.errors import StorageError
from trackside.event import Event
from trackside.log.base import Log, Page

logger = logging.getLogger(__name__)

INBOX_EVENTS = 1_000
"""So many may wait in an inbox. Who has more is behind, and reads for itself until it is near the log's end again."""
PAGE_EVENTS = 1_000
AGAIN_S = 1.0
"""After so long a log that could not be read is tried again."""


class Inbox:
    """What came for one destination since it joined the feed, and it has not dealt with yet.

    Used in the feed's event loop only.
    """

    __slots__ = ("_events", "_feed", "_floor", "_joined", "_nudge", "_positions", "globs")

    def __init__(self, feed: "Feed", globs: Iterable[str], nudge: Callable[[], None]) -> None:
        self.globs = tuple(globs)
        self._feed = feed
        self._nudge = nudge
        self._joined = False
        self._floor = 0
        self._positions: deque[int] = deque()
        self._events: deque[Event] = deque()

    @property
    def joined(self) -> bool:
        """Whether what comes into the log comes here; otherwise its owner reads for itself."""
        return self._joined

    @property
    def empty_through(self) -> int | None:
        """The position up to which nothing is to be dealt with; None where something is, or nobody knows."""
        return max(self._floor, self._feed.position) if self._joined and not self._positions else None

    def join(self, position: int) -> None:
        """Have what comes after `position` brought here, unless the feed has passed it already."""
        if not self._joined and self._feed.take_in(position):
            self._joined = True
            self._floor = position

    def leave(self) -> None:
        """Have nothing brought here any more; what is here stands in the log."""
        if self._joined:
            self._joined = False
            self._feed.let_go()
            self._positions.clear()
            self._events.clear()

    def put(self, position: int, event: Event) -> None:
        """Take an event that the feed brings."""
        if not self._joined or position <= self._floor:
            return
        if not self._positions:
            self._nudge()
        elif len(self._positions) >= INBOX_EVENTS:
            self.leave()
            return
        self._positions.append(position)
        self._events.append(event)

    def page(self, after: int, limit: int) -> Page | None:
        """Return what is here after that position, without taking it out; None where nobody knows."""
        if not self._joined:
            return None
        while self._positions and self._positions[0] <= after:
            self._positions.popleft()
            self._events.popleft()
        if not self._positions:
            return Page((), (), max(after, self._feed.position))
        positions = list(islice(self._positions, limit))
        events = list(islice(self._events, limit))
        if len(self._positions) > len(positions):
            return Page(positions, events, self._positions[len(positions)] - 1)
        return Page(positions, events, max(positions[-1], self._feed.position))


class Feed:
    """Reads the log near its end, once for all inboxes."""

    def __init__(self, log: Log, timing: Timing) -> None:
        self.position = 0
        """What is up to here was brought to the inboxes that are joined."""
        self._log = log
        self._timing = timing
        self._inboxes: dict[Inbox, None] = {}
        self._routes: Routes[Any] = Routes(())
        self._stale = False
        self._joined = 0
        self._nudged = asyncio.Event()

    def nudge(self) -> None:
        """Have the feed look for new events."""
        self._nudged.set()

    def open(self, globs: Iterable[str], nudge: Callable[[], None]) -> Inbox:
        """Return a new inbox, which has not joined. `nudge` is called when something comes into an empty one."""
        inbox = Inbox(self, globs, nudge)
        self._inboxes[inbox] = None
        self._stale = True
        return inbox

    def close(self, inbox: Inbox) -> None:
        """Forget the inbox."""
        inbox.leave()
        del self._inboxes[inbox]
        self._stale = True

    def take_in(self, position: int) -> bool:
        """Return whether an inbox that has dealt with everything up to `position` may join."""
        if not self._joined:
            self.position = max(self.position, position)  # nobody misses what lies between
        if position < self.position:
            return False
        self._joined += 1
        self._nudged.set()  # what came since that position was looked at, while nobody was joined
        return True

    def let_go(self) -> None:
        """Note that an inbox left."""
        self._joined -= 1

    async def run(self) -> None:
        """Bring what is new whenever nudged, until cancelled."""
        while True:
            await self._nudged.wait()
            self._nudged.clear()
            try:
                await self.bring()
            except StorageError:
                logger.warning("the log cannot be read", exc_info=True)
            except Exception:  # the border: without the feed thousands would be sent nothing any more
                logger.exception("new events cannot be brought")
            else:
                continue
            await self._timing.wait(asyncio.Event(), AGAIN_S)
            self._nudged.set()

    async def bring(self) -> None:
        """Bring all that is new in the log to the inboxes. By one caller at a time. Raises StorageError."""
        while self._joined:
            routes, start = self._current_routes(), self.position
            page = await asyncio.to_thread(self._log.read, start, limit=PAGE_EVENTS, names=routes)
            if self._stale or self.position != start:
                continue  # somebody joined meanwhile whose names this page was not asked for
            if page.through == start:
                return
            for position, event in zip(page.positions, page.events, strict=True):
                for inbox in routes.of(event.name):
                    inbox.put(position, event)
            self.position = page.through

    def _current_routes(self) -> Routes[Any]:
        if self._stale:
            self._routes = Routes(self._inboxes)
            self._stale = False
        return self._routes
