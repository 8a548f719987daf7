"""Event → one line of the Open edX tracking log.

The order of the keys and their meaning are those of the LMS's own lines (Open edX documentation, "Common
fields", Redwood; checked against lines of June 2026). What an event holds and the line has no place for goes
under `context.client`, so that nothing is lost. The same event always gives the same bytes.

Events of the platform's own tracker have lines of the LMS's own making (`emitted_line`).

What follows from the context is worked out once for all events that carry it (`frame`), and is copied; a line
is then put together from bytes, without an object for any part of it.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache

import msgspec

from trackside.destinations.event_json import encodable
from trackside.destinations.tracking_log.call import encode_call, rest_of
from trackside.destinations.tracking_log.course import organisation
from trackside.destinations.tracking_log.emitted_line import render_emitted
from trackside.destinations.tracking_log.frame import frame_of, frame_without
from trackside.destinations.tracking_log.raw_json import on_one_line
from trackside.destinations.tracking_log.seen import see_person
from trackside.event import EMPTY_OBJECT, Event, is_emitted

FORMAT = 2
"""The version of these lines. Count it up with every change of their bytes: an interrupted write that another
version began is cut off and written again, because its lines cannot be recognised."""

_ENCODER = msgspec.json.Encoder()
_SOURCES = {source: f'"{source}"'.encode() for source in ("browser", "mobile", "server")}
_last_received: tuple[datetime | None, bytes] = (None, b"")


def render(events: Iterable[Event]) -> bytes:
    """Return the lines of `events`, each with its end. Raises UnicodeEncodeError for half a surrogate pair."""
    pieces: list[bytes] = []
    context, extra, frame, rest = EMPTY_OBJECT, EMPTY_OBJECT, frame_of(EMPTY_OBJECT), rest_of(EMPTY_OBJECT)
    for event in events:
        # events in a row are often of one client: then most of their lines is the same
        if event.context != context or event.extra != extra:
            if is_emitted(event):
                pieces += (render_emitted(event), b"\n")
                continue
            context, extra = event.context, event.extra
            frame, rest = frame_of(context), rest_of(extra)
            if not rest.names.isdisjoint(frame.names):
                frame = frame_without(context, rest.names)
        person = see_person(event.data)
        source = frame.source or rest.source or ("mobile" if frame.has_device else "server")
        username = person.username or frame.username or rest.username
        name = _text(event.name)
        # fmt: off
        pieces += (
            b'{"name":', name,
            b',"context":{"user_id":', _user_id(event.user_id),
            b',"path":', frame.path,
            b',"course_id":', _course(person.course_id or frame.course),
            b',"enterprise_uuid":"",', frame.client, encode_call(event), rest.text,
            b'},"received_at":', _received(event.received_at),
            b'},"username":', _text(username) if username else b'""',
            b",", frame.agent,
            # browsers send their payload as text, and every reader of these lines expects it so
            b',"event":', _as_text(event.data) if source == "browser" else on_one_line(bytes(event.data)),
            b',"time":', _time(event.timestamp),
            b',"event_type":', name,
            b',"event_source":', _SOURCES[source],
            b',"page":', frame.page,
            b"}\n",
        )
        # fmt: on
    return b"".join(pieces)


def render_alone(event: Event) -> bytes:
    """Return the line of one event with its end, also where half of a surrogate pair in its texts becomes `?`."""
    try:
        return render((event,))
    except UnicodeEncodeError:
        return render((encodable(event),))


@lru_cache(maxsize=10_000)
def _user_id(user_id: str | None) -> bytes:
    """Return the id as the whole number it is in Open edX, where its text is exactly that number's."""
    if user_id is None or not user_id.isdecimal() or not user_id.isascii() or len(user_id) > 18:
        return _ENCODER.encode(user_id)
    return _ENCODER.encode(user_id) if user_id[0] == "0" and len(user_id) > 1 else user_id.encode()


@lru_cache(maxsize=1_000)
def _text(text: str) -> bytes:
    return _ENCODER.encode(text)


@lru_cache(maxsize=1_000)
def _course(course_id: str) -> bytes:
    organisation_of = organisation(course_id) if course_id else ""
    return _ENCODER.encode(course_id) + b',"org_id":' + _ENCODER.encode(organisation_of)


def _as_text(json: msgspec.Raw) -> bytes:
    return _ENCODER.encode(bytes(json).decode())


def _received(moment: datetime) -> bytes:
    """Return the moment as text; all events of a batch have the same."""
    global _last_received  # noqa: PLW0603  # one tuple, replaced whole
    known, text = _last_received
    if known != moment:
        text = _time(moment)
        _last_received = (moment, text)
    return text


def _time(moment: datetime) -> bytes:
    # msgspec writes RFC 3339 in a twentieth of isoformat()'s time; the line's form differs only at the end
    text = _ENCODER.encode(moment if moment.tzinfo is UTC else moment.astimezone(UTC))
    return text[:-2] + (b'+00:00"' if moment.microsecond else b'.000000+00:00"')
