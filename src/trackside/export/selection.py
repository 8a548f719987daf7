"""Which events are asked for, page by page."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import compress
from typing import Final

from msgspec import Struct

from trackside.event import ERASED, Event, NameFilter
from trackside.log.base import Log, Page
from trackside.log.person import Finder

FIRST_PAGE: Final = 50
PAGE_EVENTS: Final = 1_000
PAGE_BYTES: Final = 8_388_608
"""About what a page may hold: it has fewer events where these are large."""


class Selection(Struct, frozen=True, kw_only=True):
    """Positions `first` to `last`, both included; and of these only what the rest says."""

    first: int
    last: int
    names: NameFilter | None = None
    person: Finder | None = None
    limit: int | None = None
    """At most so many events."""
    erased: bool = True
    """Whether what stays of events that were erased is in it."""


def pages(log: Log, selection: Selection) -> Iterator[Page]:
    """Yield what is asked for in order; a page's `gone` counts positions that retention removed before their turn."""
    after, left, limit = selection.first - 1, selection.limit, FIRST_PAGE
    while after < selection.last and left != 0:
        page = log.read(after, limit=limit, names=selection.names)
        if page.through <= after:
            return
        limit = _next_limit(page.events)
        found = _picked(page, after, selection, left)
        yield found
        after = found.through
        left = None if left is None else left - len(found.events)


def _next_limit(events: Sequence[Event]) -> int:
    """Return how many events like these are about a page."""
    some = events[::8]
    size = sum(len(event.data) + len(event.context) for event in some)
    return max(1, min(PAGE_EVENTS, PAGE_BYTES * len(some) // max(1, size))) if some else FIRST_PAGE


def _picked(page: Page, after: int, selection: Selection, left: int | None) -> Page:
    """Return of the page what is asked for, at most `left` events; it ends where the last of these is then."""
    positions, events = page.positions, page.events
    if page.through > selection.last:
        count = bisect_right(positions, selection.last)
        positions, events = positions[:count], events[:count]
    if selection.person is not None or not selection.erased:
        wanted = [_is_wanted(event, selection) for event in events]
        positions, events = list(compress(positions, wanted)), list(compress(events, wanted))
    through = min(page.through, selection.last)
    if left is not None and len(events) >= left:
        positions, events = positions[:left], events[:left]
        through = positions[-1]
    return Page(positions, events, through, min(page.gone, through - after))


def _is_wanted(event: Event, selection: Selection) -> bool:
    if event.type == ERASED and not selection.erased:
        return False
    return selection.person is None or selection.person.is_named_by(event)
