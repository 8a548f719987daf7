"""What an event's context means for its line; worked out once for all events that come with the same one.

Events of one batch, of one page and of one server's library share their context byte for byte.
"""

from msgspec import UNSET, Raw, Struct, UnsetType

from trackside.destinations.tracking_log.course import course_in
from trackside.destinations.tracking_log.origin import host_of, library_source
from trackside.destinations.tracking_log.raw_json import Members, encode_members, members
from trackside.destinations.tracking_log.seen import NO_PAGE, see

CALL_NAMES = frozenset({"type", "messageId", "anonymousId", "originalTimestamp", "sentAt"})
"""What the client object of a line gets from the call, beside `extra`."""

_KEPT = 500
_KEPT_BYTES = 4_096
"""Larger contexts are worked out each time: what clients send must not fill the memory."""


class Application(Struct, frozen=True, gc=False):
    """Which app the event comes from."""

    name: str
    version: str


class Surroundings(Struct, frozen=True, kw_only=True, gc=False):
    """All of a line that follows from the context alone."""

    path: str
    url: str | None
    referrer: str
    host: str
    page_course: str
    """The course whose page it was, or ""."""
    named_course: str
    """The course the context names itself, or ""."""
    agent: str
    ip: str
    locale: str
    username: str
    source: str | None
    """What the library says: browser or mobile; None where it could be either."""
    has_device: bool
    application: Application | UnsetType
    members: Members
    """What remains for the client object."""
    clashes: bool
    """Whether some of `members` is named like something of every call."""
    encoded: bytes
    """`members` as JSON, without the brackets around it."""


_known: dict[bytes, Surroundings] = {}


def surroundings(context: Raw) -> Surroundings:
    """Return what `context` means. Never raises: what cannot be understood is passed on as it is."""
    text = bytes(context)
    known = _known.get(text)
    if known is None:
        known = _work_out(context)
        if len(text) <= _KEPT_BYTES:
            if len(_known) >= _KEPT:
                _known.clear()
            _known[text] = known
    return known


def members_or_whole(raw: Raw, name: str) -> Members:
    """Return the members of `raw`; where they cannot be told apart, all of it as one member called `name`."""
    try:
        return members(raw)
    except (ValueError, RecursionError):
        return {name: raw}


def _work_out(context: Raw) -> Surroundings:
    seen = see(context)
    page = seen.page or NO_PAGE
    url = page.url or ""
    app = seen.app
    rest = members_or_whole(context, "context")
    if seen.user_agent is not None:
        rest.pop("userAgent", None)
    return Surroundings(
        path=page.path or "",
        url=url or None,
        referrer=page.referrer or "",
        host=host_of(url),
        page_course=course_in(url) if "/courses/" in url else "",
        named_course=seen.course_id or "",
        agent=seen.user_agent or "",
        ip=seen.ip or "",
        locale=seen.locale or "",
        username=(seen.traits and seen.traits.username) or "",
        source=library_source(seen),
        has_device=bytes(seen.device) not in {b"", b"null"},
        application=UNSET if app is None else Application(app.name or "", app.version or ""),
        members=rest,
        clashes=not CALL_NAMES.isdisjoint(rest),
        encoded=bytes(encode_members(rest))[1:-1],
    )
