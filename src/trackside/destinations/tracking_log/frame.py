"""The frame of a line: what of it follows from the event's context, worked out once for all that carry it."""

from collections.abc import Set

import msgspec
from msgspec import UNSET, Raw, Struct

from trackside.destinations.tracking_log.course import course_in
from trackside.destinations.tracking_log.memo import Memo
from trackside.destinations.tracking_log.origin import host_of, library_source
from trackside.destinations.tracking_log.raw_json import (
    Members,
    encode_members,
    members_or_whole,
    on_one_line,
)
from trackside.destinations.tracking_log.seen import NO_PAGE, NULL, Seen, see

_NONE: Set[str] = frozenset()
_ENCODER = msgspec.json.Encoder()


class Application(Struct, frozen=True, gc=False):
    """Which app the event comes from."""

    name: str
    version: str


class Agent(Struct, frozen=True, gc=False):
    """What a line says of the program that sent the event, in the order of its keys."""

    session: str
    ip: str
    agent: str
    host: str
    referer: str
    accept_language: str


class Frame(Struct, frozen=True, gc=False):
    """The parts of a line that follow from the context, and what it says about the others."""

    path: bytes
    client: bytes
    """The application, if any, and the beginning of the client object: what the line has no place for."""
    agent: bytes
    page: bytes
    course: str
    """The course the context names, or else whose page it was, or ""."""
    username: str
    source: str | None
    """What the library says: browser or mobile; None where it could be either."""
    has_device: bool
    names: Set[str]
    """How the members are called that the client object begins with."""


def frame_without(context: Raw, taken: Set[str]) -> Frame:
    """Return the frame of `context`, its members that are named like one of `taken` kept apart.

    Never raises: what cannot be understood is passed on as it is.
    """
    seen = see(context)
    rest = members_or_whole(context, "context")
    if seen.user_agent is not None:
        rest.pop("userAgent", None)
    page = seen.page or NO_PAGE
    url = page.url or ""
    agent = Agent(
        "", seen.ip or "", seen.user_agent or "", host_of(url), page.referrer or "", seen.locale or ""
    )
    return Frame(
        _ENCODER.encode(page.path or ""),
        _client(seen, _set_aside(rest, taken) if taken else rest),
        _ENCODER.encode(agent)[1:-1],
        _ENCODER.encode(url or None),
        seen.course_id or (course_in(url) if "/courses/" in url else ""),
        (seen.traits and seen.traits.username) or "",
        library_source(seen),
        seen.device is not UNSET and seen.device != NULL,
        frozenset(rest),
    )


def _make(context: Raw) -> Frame:
    return frame_without(context, _NONE)


def _client(seen: Seen, rest: Members) -> bytes:
    known = on_one_line(encode_members(rest))[:-1]
    app = seen.app
    begun = b'"client":' + (known + b"," if rest else known)
    if app is None:
        return begun
    return b'"application":' + _ENCODER.encode(Application(app.name or "", app.version or "")) + b"," + begun


def _set_aside(context: Members, taken: Set[str]) -> Members:
    aside = {name: value for name, value in context.items() if name in taken or name == "context"}
    rest = {name: value for name, value in context.items() if name not in aside}
    return {**rest, "context": Raw(encode_members(aside))}


frame_of = Memo(_make, most=500, largest_bytes=4_096)
"""Returns the frame of a context. Never raises."""
