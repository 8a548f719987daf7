"""Event → one line of the Open edX tracking log.

The order of the keys and their meaning are those of the LMS's own lines (Open edX documentation, "Common
fields", Redwood; checked against lines of June 2026). What an event holds and the line has no place for goes
under `context.client`, so that nothing is lost. The same event always gives the same bytes.
"""

from collections.abc import Set
from datetime import UTC, datetime

import msgspec
from msgspec import Raw, Struct, UnsetType, field

from trackside.destinations.tracking_log.course import organisation
from trackside.destinations.tracking_log.origin import channel_source
from trackside.destinations.tracking_log.raw_json import Members, encode_members
from trackside.destinations.tracking_log.seen import see_person
from trackside.destinations.tracking_log.surroundings import (
    CALL_NAMES,
    Application,
    Surroundings,
    members_or_whole,
    surroundings,
)
from trackside.event import EMPTY_OBJECT, Event

FORMAT = 1
"""The version of these lines. Count it up with every change of their bytes: an interrupted write that another
version began is cut off and written again, because its lines cannot be recognised."""

_ENCODER = msgspec.json.Encoder()
_last_received: tuple[datetime | None, Raw] = (None, Raw())


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
    around = surroundings(event.context)
    extra: Members = {} if event.extra == EMPTY_OBJECT else members_or_whole(event.extra, "extra")
    person = see_person(event.data)
    course_id = person.course_id or around.named_course or around.page_course
    source = (
        around.source or (extra and channel_source(extra)) or ("mobile" if around.has_device else "server")
    )
    return Line(
        event.name,
        Context(
            _user_id(event.user_id),
            around.path,
            course_id,
            organisation(course_id) if course_id else "",
            "",
            around.application,
            _client(event, around, extra),
            _received(event.received_at),
        ),
        person.username or around.username or (extra and _username(extra)) or "",
        "",
        around.ip,
        around.agent,
        around.host,
        around.referrer,
        around.locale,
        # browsers send their payload as text, and every reader of these lines expects it so
        bytes(event.data).decode() if source == "browser" else event.data,
        _time(event.timestamp),
        event.name,
        source,
        around.url,
    )


def _user_id(user_id: str | None) -> int | str | None:
    """Return the id as the whole number it is in Open edX, where its text is exactly that number's."""
    if user_id is None or not user_id.isdecimal() or not user_id.isascii() or len(user_id) > 18:
        return user_id
    return user_id if user_id[0] == "0" and len(user_id) > 1 else int(user_id)


def _received(moment: datetime) -> Raw:
    """Return the moment as text; all events of a batch have the same."""
    global _last_received  # noqa: PLW0603  # one tuple, replaced whole
    known, text = _last_received
    if known != moment:
        text = _time(moment)
        _last_received = (moment, text)
    return text


def _time(moment: datetime) -> Raw:
    # msgspec writes RFC 3339 in a twentieth of isoformat()'s time; the line's form differs only at the end
    text = _ENCODER.encode(moment if moment.tzinfo is UTC else moment.astimezone(UTC))
    fraction = b"" if moment.microsecond else b".000000"
    return Raw(text[:-2] + fraction + b'+00:00"')


def _username(extra: Members) -> str | None:
    traits = extra.get("traits")
    return None if traits is None else see_person(traits).username


def _client(event: Event, around: Surroundings, extra: Members) -> Raw:
    """Return all of the context but what the line itself says, and all of the call but its payload."""
    context = around.encoded
    if around.clashes or not around.members.keys().isdisjoint(extra):
        context = _set_aside(around.members, CALL_NAMES | extra.keys())
    call = Call(event.type, event.id, event.anonymous_id, event.original_timestamp, event.sent_at)
    parts = [context] if context else []
    parts.append(_ENCODER.encode(call)[1:-1])
    if extra:
        clashes = not CALL_NAMES.isdisjoint(extra)
        parts.append(b'"extra":' + bytes(event.extra) if clashes else bytes(event.extra)[1:-1])
    return Raw(b"{" + b",".join(parts) + b"}")


def _set_aside(context: Members, taken: Set[str]) -> bytes:
    """Return `context` with its members that are named like some of the call kept apart."""
    aside = {name: value for name, value in context.items() if name in taken or name == "context"}
    rest = {name: value for name, value in context.items() if name not in aside}
    return bytes(encode_members({**rest, "context": encode_members(aside)}))[1:-1]
