"""Event → one line of the Open edX tracking log.

The order of the keys and their meaning are those of the LMS's own lines (Open edX documentation, "Common
fields", Redwood; checked against lines of June 2026). What an event holds and the line has no place for goes
under `context.client`, so that nothing is lost. The same event always gives the same bytes.
"""

from collections.abc import Set
from datetime import UTC, datetime

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, field

from trackside.destinations.tracking_log.course import course_in, organisation
from trackside.destinations.tracking_log.origin import event_source, host_of
from trackside.destinations.tracking_log.raw_json import Members, encode_members, members
from trackside.destinations.tracking_log.seen import NO_PAGE, Seen, see, see_person
from trackside.event import EMPTY_OBJECT, Event

FORMAT = 1
"""The version of these lines. Count it up with every change of their bytes: an interrupted write that another
version began is cut off and written again, because its lines cannot be recognised."""

_ENCODER = msgspec.json.Encoder()


class Application(Struct, frozen=True, gc=False):
    """Which app the event comes from."""

    name: str
    version: str


class Context(Struct, frozen=True, gc=False):
    """What was around the event."""

    user_id: int | str | None
    path: str
    course_id: str
    org_id: str
    enterprise_uuid: str
    application: Application | UnsetType
    client: Raw
    received_at: Raw


class Call(Struct, frozen=True, gc=False, omit_defaults=True):
    """What Segment's calls carry besides payload and context, under the names it has there."""

    type: str
    message_id: str = field(name="messageId")
    anonymous_id: str | None = field(default=None, name="anonymousId")
    original_timestamp: str | None = field(default=None, name="originalTimestamp")
    sent_at: str | None = field(default=None, name="sentAt")


_CALL_NAMES = frozenset({"type", "messageId", "anonymousId", "originalTimestamp", "sentAt"})


class Line(Struct, frozen=True, gc=False):
    """A line, in the order of its keys."""

    name: str
    context: Context
    username: str
    session: str
    ip: str
    agent: str
    host: str
    referer: str
    accept_language: str
    event: Raw | str
    time: Raw
    event_type: str
    event_source: str
    page: str | None


def to_line(event: Event) -> Line:
    """Return the line of `event`. Never raises for what the log can hold."""
    seen = see(event.context)
    page = seen.page or NO_PAGE
    url = page.url
    extra: Members = {} if event.extra == EMPTY_OBJECT else _members_or_whole(event.extra, "extra")
    person = see_person(event.data)
    course_id = person.course_id or seen.course_id or (course_in(url) if url and "/courses/" in url else "")
    source = event_source(seen, extra)
    app = seen.app
    return Line(
        event.name,
        Context(
            _user_id(event.user_id),
            page.path or "",
            course_id,
            organisation(course_id) if course_id else "",
            "",
            UNSET if app is None else Application(app.name or "", app.version or ""),
            _client(event, extra, has_agent=seen.user_agent is not None),
            _time(event.received_at),
        ),
        person.username or _username(seen, extra),
        "",
        seen.ip or "",
        seen.user_agent or "",
        host_of(url) if url else "",
        page.referrer or "",
        seen.locale or "",
        # browsers send their payload as text, and every reader of these lines expects it so
        bytes(event.data).decode() if source == "browser" else event.data,
        _time(event.timestamp),
        event.name,
        source,
        url or None,
    )


def _user_id(user_id: str | None) -> int | str | None:
    """Return the id as the whole number it is in Open edX, where its text is exactly that number's."""
    if user_id is None or not user_id.isdecimal() or not user_id.isascii() or len(user_id) > 18:
        return user_id
    return user_id if user_id[0] == "0" and len(user_id) > 1 else int(user_id)


def _time(moment: datetime) -> Raw:
    # msgspec writes RFC 3339 in a twentieth of isoformat()'s time; the line's form differs only at the end
    text = _ENCODER.encode(moment if moment.tzinfo is UTC else moment.astimezone(UTC))
    fraction = b"" if moment.microsecond else b".000000"
    return Raw(text[:-2] + fraction + b'+00:00"')


def _username(seen: Seen, extra: Members) -> str:
    if seen.traits is not None and seen.traits.username:
        return seen.traits.username
    traits = extra.get("traits")
    return "" if traits is None else see_person(traits).username or ""


def _members_or_whole(raw: Raw, name: str) -> Members:
    """Return the members of `raw`; where they cannot be told apart, all of it as one member called `name`."""
    try:
        return members(raw)
    except (ValueError, RecursionError):
        return {name: raw}


def _client(event: Event, extra: Members, *, has_agent: bool) -> Raw:
    """Return all of the context but what the line itself says, and all of the call but its payload."""
    # decoding one level and encoding it again is cheaper than looking for names in the bytes (measured)
    context = _members_or_whole(event.context, "context")
    if has_agent:
        context.pop("userAgent", None)
    if not _CALL_NAMES.isdisjoint(context) or not context.keys().isdisjoint(extra):
        context = _set_aside(context, _CALL_NAMES | extra.keys())
    call = Call(event.type, event.id, event.anonymous_id, event.original_timestamp, event.sent_at)
    parts = [bytes(encode_members(context))[1:-1]] if context else []
    parts.append(_ENCODER.encode(call)[1:-1])
    if extra:
        clashes = not _CALL_NAMES.isdisjoint(extra)
        parts.append(b'"extra":' + bytes(event.extra) if clashes else bytes(event.extra)[1:-1])
    return Raw(b"{" + b",".join(parts) + b"}")


def _set_aside(context: Members, taken: Set[str]) -> Members:
    """Return `context` with its members that are named like some of the call kept apart."""
    aside = {name: value for name, value in context.items() if name in taken or name == "context"}
    rest = {name: value for name, value in context.items() if name not in aside}
    return {**rest, "context": encode_members(aside)}
