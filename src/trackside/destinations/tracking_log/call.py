"""What a line's client object gets from the call itself, beside the context."""

from collections.abc import Set

import msgspec
from msgspec import Raw, Struct, field

from trackside.destinations.tracking_log.memo import Memo
from trackside.destinations.tracking_log.origin import channel_source
from trackside.destinations.tracking_log.raw_json import Members, members_or_whole, on_one_line
from trackside.destinations.tracking_log.seen import see_person
from trackside.event import EMPTY_OBJECT, Event

CALL_NAMES = frozenset({"type", "messageId", "anonymousId", "originalTimestamp", "sentAt"})
"""What the client object of a line gets from the call, beside `extra`."""

_ENCODER = msgspec.json.Encoder()


class Call(Struct, frozen=True, gc=False, omit_defaults=True):
    """What Segment's calls carry besides payload and context, under the names it has there."""

    type: str
    message_id: str = field(name="messageId")
    anonymous_id: str | None = field(default=None, name="anonymousId")
    original_timestamp: str | None = field(default=None, name="originalTimestamp")
    sent_at: str | None = field(default=None, name="sentAt")


class Rest(Struct, frozen=True, gc=False):
    """What an event's `extra` means for its line."""

    text: bytes
    """Its members with a comma before each; nothing where it has none."""
    names: Set[str]
    """How they and the members of every call are called: nothing of the context may be called so beside them."""
    source: str | None
    """browser, mobile or server where the call names its channel."""
    username: str


def encode_call(event: Event) -> bytes:
    """Return the members that every call has, without the brackets around them."""
    call = Call(event.type, event.id, event.anonymous_id, event.original_timestamp, event.sent_at)
    return _ENCODER.encode(call)[1:-1]


def _make(extra: Raw) -> Rest:
    found: Members = {} if extra == EMPTY_OBJECT else members_or_whole(extra, "extra")
    return Rest(_text(extra, found), CALL_NAMES.union(found), channel_source(found), _username(found))


def _text(extra: Raw, found: Members) -> bytes:
    if not found:
        return b""
    whole = on_one_line(bytes(extra))
    return b',"extra":' + whole if not CALL_NAMES.isdisjoint(found) else b"," + whole[1:-1]


def _username(extra: Members) -> str:
    traits = extra.get("traits")
    return "" if traits is None else see_person(traits).username or ""


rest_of = Memo(_make, most=500, largest_bytes=1_024)
"""Returns what an `extra` means. Never raises."""
