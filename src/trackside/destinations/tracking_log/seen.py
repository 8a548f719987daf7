"""What a line wants to know of an event's context, payload and extra; all of it may be missing or odd."""

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, field

from trackside.destinations.tracking_log.raw_json import Members, attempt, members, text_of
from trackside.event import EMPTY_OBJECT


class Page(Struct, frozen=True, gc=False):
    """The page an event happened on."""

    path: str | None = None
    url: str | None = None
    referrer: str | None = None


class Named(Struct, frozen=True, gc=False):
    """A library or an app."""

    name: str | None = None
    version: str | None = None


class Person(Struct, frozen=True, gc=False):
    """What a payload or traits say about who and where; `course_id` is used of payloads only."""

    username: str | None = None
    course_id: str | None = None


class Seen(Struct, frozen=True, kw_only=True, gc=False):
    """What a Segment context says; None: not said, or not as text."""

    page: Page | None = None
    user_agent: str | None = field(default=None, name="userAgent")
    ip: str | None = None
    locale: str | None = None
    library: Named | None = None
    app: Named | None = None
    device: Raw | UnsetType = UNSET
    traits: Person | None = None
    course_id: str | None = None


NULL = Raw(b"null")
NOTHING = Seen()
NOBODY = Person()
NO_PAGE = Page()

_SEEN = msgspec.json.Decoder(Seen)
_PERSON = msgspec.json.Decoder(Person)


def see(context: Raw) -> Seen:
    """Return what `context` says; a part of the wrong type is as if it was missing."""
    try:
        return _SEEN.decode(context)
    except (msgspec.MsgspecError, RecursionError):
        return attempt(_see_slowly, context, NOTHING)


def see_person(raw: Raw) -> Person:
    """Return what a payload or traits say about who and where."""
    if raw == EMPTY_OBJECT:
        return NOBODY
    try:
        return _PERSON.decode(raw)
    except (msgspec.MsgspecError, RecursionError):
        return attempt(_person, raw, NOBODY)


def _see_slowly(context: Raw) -> Seen:
    found = members(context)
    page = _part(found, "page")
    traits = found.get("traits")
    return Seen(
        page=Page(path=_text(page, "path"), url=_text(page, "url"), referrer=_text(page, "referrer")),
        user_agent=_text(found, "userAgent"),
        ip=_text(found, "ip"),
        locale=_text(found, "locale"),
        library=_named(found, "library"),
        app=_named(found, "app"),
        device=found.get("device", UNSET),
        traits=None if traits is None else see_person(traits),
        course_id=_text(found, "course_id"),
    )


def _person(raw: Raw) -> Person:
    found = members(raw)
    return Person(username=_text(found, "username"), course_id=_text(found, "course_id"))


def _named(found: Members, name: str) -> Named | None:
    part = _part(found, name)
    return Named(name=_text(part, "name"), version=_text(part, "version")) if part else None


def _part(found: Members, name: str) -> Members:
    raw = found.get(name)
    nothing: Members = {}
    return nothing if raw is None else attempt(members, raw, nothing)


def _text(found: Members, name: str) -> str | None:
    raw = found.get(name)
    return text_of(raw) if raw is not None and bytes(raw)[:1] == b'"' else None
