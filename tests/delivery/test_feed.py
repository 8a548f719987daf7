"""The feed: each inbox gets what comes after it joined and its owner asked for, once and in order."""

import asyncio
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.delivery.tools import ManualTiming, fill
from trackside.config.settings import LogSettings
from trackside.delivery.feed import INBOX_EVENTS, Feed, Inbox
from trackside.delivery.timing import Timing
from trackside.event import Batch, NameFilter
from trackside.log.base import Page, append_and_wait
from trackside.log.memory import MemoryLog
from trackside.testing.destination_contract import make_event


@pytest.fixture
def log() -> Iterator[MemoryLog]:
    memory = MemoryLog(LogSettings())
    yield memory
    memory.close()


def nothing() -> None:
    """Be nudged."""


def positions(inbox: Inbox, after: int = 0, limit: int = 100) -> tuple[Sequence[int], int]:
    """Return what is in the inbox, and through where."""
    page = inbox.page(after, limit)
    assert page is not None
    return page.positions, page.through


def test_brings_what_comes_after_joining(log: MemoryLog) -> None:
    """Nothing of before; pages end where the log does, or before what is left for the next page."""
    fill(log, [1, 2])
    feed, nudges = Feed(log, Timing()), []
    inbox = feed.open(["*"], lambda: nudges.append(1))
    assert inbox.page(2, 10) is None
    inbox.join(2)
    asyncio.run(feed.bring())
    assert (inbox.empty_through, nudges) == (2, [])
    fill(log, [3, 4, 5])
    asyncio.run(feed.bring())
    assert (inbox.empty_through, nudges) == (None, [1])
    assert positions(inbox, 2, 2) == ([3, 4], 4)
    assert positions(inbox, 2) == ([3, 4, 5], 5)
    assert positions(inbox, 4) == ([5], 5)
    assert positions(inbox, 5) == ((), 5)
    assert inbox.empty_through == 5


def test_brings_each_only_what_it_wants(log: MemoryLog) -> None:
    """Globs decide; who wants nothing of what came still knows how far that was looked at."""
    feed = Feed(log, Timing())
    one, two = feed.open(["a.*"], nothing), feed.open(["b"], nothing)
    one.join(0)
    two.join(0)
    events = [replace(make_event(n), name=name) for n, name in enumerate(("a.x", "b", "c", "a.y", "c"))]
    append_and_wait(log, Batch(events=events))
    asyncio.run(feed.bring())
    assert positions(one) == ([1, 4], 5)
    assert positions(two) == ([2], 5)


def test_who_is_behind_does_not_join(log: MemoryLog) -> None:
    """The feed has passed what it would miss; ahead of the feed it may join, and gets nothing twice."""
    fill(log, [1, 2, 3])
    feed = Feed(log, Timing())
    first, late, ahead = (feed.open(["*"], nothing) for _ in range(3))
    first.join(0)
    asyncio.run(feed.bring())
    late.join(2)
    assert not late.joined
    fill(log, [4, 5])
    ahead.join(4)
    asyncio.run(feed.bring())
    assert positions(ahead, 4) == ([5], 5)
    late.join(5)
    assert late.joined


def test_who_does_not_keep_up_is_let_go(log: MemoryLog) -> None:
    """A full inbox is emptied: it never holds more than its bound, and its owner reads for itself."""
    feed = Feed(log, Timing())
    slow, quick = feed.open(["*"], nothing), feed.open(["*"], nothing)
    slow.join(0)
    quick.join(0)
    for start in range(0, INBOX_EVENTS, 250):
        fill(log, range(start, start + 250))
        asyncio.run(feed.bring())
        quick.page(start + 250, 1)
    assert slow.empty_through is None
    assert len(positions(slow, 0, 2 * INBOX_EVENTS)[0]) == INBOX_EVENTS
    fill(log, [INBOX_EVENTS + 1])
    asyncio.run(feed.bring())
    assert slow.page(0, 10) is None
    assert positions(quick, INBOX_EVENTS) == ([INBOX_EVENTS + 1], INBOX_EVENTS + 1)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_happens_each_sees_everything_once(data: st.DataObject) -> None:
    """Inboxes open, join, leave and close while events come: reading alone and from the feed, nobody misses any."""
    log = MemoryLog(LogSettings())
    feed = Feed(log, Timing())
    owners: list[Owner] = []
    number = 0
    for action in data.draw(
        st.lists(st.sampled_from(["open", "fill", "bring", "turn", "leave"]), max_size=40)
    ):
        if action == "open":
            owners.append(Owner(log, feed, data.draw(st.sampled_from([("*",), ("a",), ("b", "a*")]))))
        elif action == "fill":
            names = data.draw(st.lists(st.sampled_from(["a", "b", "ac", "d"]), min_size=1, max_size=5))
            events = [replace(make_event(number + n), name=name) for n, name in enumerate(names)]
            number += len(names)
            append_and_wait(log, Batch(events=events))
        elif action == "bring":
            asyncio.run(feed.bring())
        elif owners:
            owner = data.draw(st.sampled_from(owners))
            owner.inbox.leave() if action == "leave" else owner.turn(data.draw(st.integers(1, 3)))
    asyncio.run(feed.bring())
    everything = log.read(0, limit=10_000)
    for owner in owners:
        while owner.turn(2):
            pass
        wanted = [
            position
            for position, event in zip(everything.positions, everything.events, strict=True)
            if owner.names.matches(event.name) and position > owner.began
        ]
        assert owner.seen == wanted
    log.close()


class Owner:
    """Reads as a worker does: from its inbox where it is joined, else from the log."""

    def __init__(self, log: MemoryLog, feed: Feed, globs: tuple[str, ...]) -> None:
        self.names = NameFilter(globs)
        self.inbox = feed.open(globs, nothing)
        self.began = self.position = log.bounds().last
        self.seen: list[int] = []
        self._log = log

    def turn(self, limit: int) -> bool:
        """Take one page; return whether there was anything."""
        page = self.inbox.page(self.position, limit)
        if page is None:
            page = self._log.read(self.position, limit=limit, names=self.names)
            if page.through == self.position:
                self.inbox.join(self.position)
                return False
        moved = page.through > self.position
        self.seen += page.positions
        self.position = page.through
        return moved


def test_what_nobody_foresaw_in_a_page_does_not_end_the_feed(
    log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All who rely on it would get nothing any more, and not know it."""
    original, fails = log.read, 1

    def read(after: int, *, limit: int = 500, names: NameFilter | None = None) -> Page:
        nonlocal fails
        if fails:
            fails -= 1
            raise ValueError("no such frame")
        return original(after, limit=limit, names=names)

    async def scenario() -> None:
        feed = Feed(log, ManualTiming())
        running = asyncio.create_task(feed.run())
        arrived = asyncio.Event()
        inbox = feed.open(["*"], arrived.set)
        inbox.join(0)
        monkeypatch.setattr(log, "read", read)
        fill(log, [1])
        feed.nudge()
        async with asyncio.timeout(10):
            await arrived.wait()
        assert positions(inbox) == ([1], 1)
        running.cancel()

    asyncio.run(scenario())
