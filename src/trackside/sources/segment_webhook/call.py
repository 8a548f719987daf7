"""A call as Segment's servers post it, its members still JSON; and how these are looked at."""

import math
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from trackside.clock import parse_timestamp
from trackside.sources.message_id import MAX_CHARACTERS, hashed_id
from trackside.sources.refusal import Refusal, RefusedError, invalid_field
from trackside.sources.segment_webhook import errors
from trackside.users.base import Directory, InvalidUserIdError, User

ABSENT: Final = Raw()
"""What a member holds that was not there."""
NULL: Final = Raw(b"null")
Members = dict[str, Raw]
SERVERS_OWN: Final = ("event_source", "session", "host", "org_id")
"""What a client's context may not say, unless it is trusted."""

_OPEN_BRACE = 0x7B


class Call(Struct, rename="camel", gc=False):
    """One call; of members that are there twice the last one counts."""

    type: Raw = ABSENT
    user_id: Raw = ABSENT
    properties: Raw = ABSENT
    context: Raw = ABSENT
    timestamp: Raw = ABSENT
    received_at: Raw = ABSENT
    message_id: Raw = ABSENT
    anonymous_id: Raw = ABSENT
    original_timestamp: Raw = ABSENT
    sent_at: Raw = ABSENT
    channel: Raw = ABSENT
    action: Raw = ABSENT


class Library(Struct, gc=False):
    """`context.library`."""

    name: str


class UsualProperties(Struct, gc=False):
    """The properties of a usual call."""

    name: str
    data: Raw
    context: Members = {}
    label: Raw = ABSENT
    course_id: Raw = ABSENT


class UsualCall(Struct, rename="camel", gc=False):
    """A call of the current generation in which nothing is unusual: decoded in one go."""

    type: str
    user_id: int | str
    properties: UsualProperties
    context: Members
    timestamp: str
    received_at: str
    message_id: str
    anonymous_id: str | None = None
    original_timestamp: str | None = None
    sent_at: str | None = None


CALL: Final = msgspec.json.Decoder(Call)
USUAL_CALL: Final = msgspec.json.Decoder(UsualCall)
LIBRARY: Final = msgspec.json.Decoder(Library)
_MEMBERS: Final = msgspec.json.Decoder(Members)
_TEXT: Final = msgspec.json.Decoder(str)
_ANY: Final = msgspec.json.Decoder()


def value_of(raw: Raw) -> Any:
    """Return what the JSON says; None where it was not there, infinity for a number too large for Python."""
    try:
        return _ANY.decode(raw) if raw else None
    except msgspec.ValidationError:
        return math.inf


def text_of(raw: Raw) -> str | None:
    """Return the text that a JSON string is; None for anything else."""
    if not raw:
        return None
    try:
        return _TEXT.decode(raw)
    except msgspec.ValidationError:
        return None


def is_object(raw: Raw) -> bool:
    """Return whether the member is there and a JSON object."""
    return bool(raw) and bytes(raw)[0] == _OPEN_BRACE


def members_of(raw: Raw, name: str) -> Members:
    """Return the members of an object, none where it is absent or empty in any way.

    Raises RefusedError where it is something else.
    """
    if is_object(raw):
        return _MEMBERS.decode(raw)
    if value_of(raw):
        raise RefusedError(invalid_field(name, "an object"))
    return {}


def user_of(raw: Raw, users: Directory) -> User:
    """Return the user with this id. Raises RefusedError, and NotLoadedError."""
    user_id = value_of(raw)
    if not user_id:
        raise RefusedError(errors.MISSING_USER_ID)
    try:
        user = users.user(user_id)
    except InvalidUserIdError:
        raise RefusedError(errors.INVALID_USER_ID) from None
    if user is None:
        raise RefusedError(errors.USER_NOT_EXIST)
    return user


def moment_of(raw: Raw, name: str, missing: Refusal) -> tuple[str, datetime]:
    """Return a time as it was sent and in UTC; one without a zone is UTC. Raises RefusedError."""
    if not raw:
        raise RefusedError(missing)
    text = text_of(raw)
    moment = None if text is None else parse_timestamp(text)
    if text is None or moment is None:
        raise RefusedError(invalid_field(name, "a time such as 2026-11-20T19:25:00.123Z"))
    return text, moment


def id_of(raw: Raw) -> str | None:
    """Return the event's id: the message id where that can be one; None where there is none."""
    if not raw or raw == NULL:
        return None
    text = text_of(raw)
    if text and len(text) <= MAX_CHARACTERS:
        return text
    return hashed_id(bytes(raw)) if text != "" else None


def envelope_of(call: Call) -> dict[str, Any]:
    """Return the fields of a `WebhookEvent` that the call itself says. Raises RefusedError for its times."""
    timestamp_text, timestamp = moment_of(call.timestamp, "timestamp", errors.MISSING_TIMESTAMP)
    _, received_at = moment_of(call.received_at, "receivedAt", errors.MISSING_RECEIVED_AT)
    return {
        "timestamp_text": timestamp_text,
        "timestamp": timestamp,
        "upstream_received_at": received_at,
        "id": id_of(call.message_id),
        "anonymous_id": text_of(call.anonymous_id),
        "original_timestamp": text_of(call.original_timestamp),
        "sent_at": text_of(call.sent_at),
    }
