"""Event → the call of Segment's API that it is, in JSON; what need not be looked into stays as its bytes."""

import re
from datetime import datetime

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from trackside.destinations.base import FILTERED, Filtered
from trackside.destinations.segment.emitted_call import mapped_context, whole_event
from trackside.event import EMPTY_OBJECT, NOBODY, Event, is_emitted

_SAID_BY_US = frozenset({"messageId", "timestamp", "sentAt", "originalTimestamp", "receivedAt", "writeKey"})
"""Of an event that came by Segment's API these may stand in `extra`, as others said them."""
_ABSENT = Raw()


class Call(Struct, frozen=True, omit_defaults=True, rename="camel", gc=False):
    """The members of a call that follow from the event's own fields; the others stand in its `extra`."""

    type: str
    message_id: str
    timestamp: datetime
    context: Raw
    user_id: str | None = None
    anonymous_id: str | None = None
    event: str | None = None
    name: Raw | UnsetType = UNSET
    category: Raw | UnsetType = UNSET
    properties: Raw | UnsetType = UNSET
    traits: Raw | UnsetType = UNSET


class _Labels(Struct, gc=False):
    """What a page's properties repeat of its call."""

    name: Raw = _ABSENT
    category: Raw = _ABSENT


_ENCODER = msgspec.json.Encoder()
_MEMBERS = msgspec.json.Decoder(dict[str, Raw])
_LABELS = msgspec.json.Decoder(_Labels)
_MAYBE_OURS = re.compile(
    '"(?:{})"'.format("|".join(sorted(_SAID_BY_US.union(Call.__struct_encode_fields__)))).encode()
)


def to_call(event: Event) -> bytes | Filtered:
    """Return the call, or FILTERED for an event without a name or of nobody: Segment takes neither.

    Raises ValueError, TypeError and RecursionError for an emitted event whose context Python cannot read.
    """
    emitted = is_emitted(event)
    anonymous_id = None if emitted and event.anonymous_id == NOBODY else event.anonymous_id
    if not event.name or not (event.user_id or anonymous_id):
        return FILTERED
    if emitted:
        call = Call(
            "track",
            event.id,
            event.timestamp,
            mapped_context(event),
            user_id=event.user_id or None,
            anonymous_id=anonymous_id or None,
            event=event.name,
            properties=whole_event(event),
        )
        return _ENCODER.encode(call)
    return _with_extra(_as_it_came(event), event.extra)


def _as_it_came(event: Event) -> Call:
    name: Raw | UnsetType = UNSET
    category: Raw | UnsetType = UNSET
    properties: Raw | UnsetType = UNSET
    traits: Raw | UnsetType = UNSET
    match event.type:
        case "page" | "screen":
            properties = event.data
            name, category = _labels(event)
        case "identify" | "group":
            traits = event.data
        case "alias":
            traits = UNSET if event.data == EMPTY_OBJECT else event.data
        case _:
            properties = event.data
    return Call(
        event.type,
        event.id,
        event.timestamp,
        event.context,
        user_id=event.user_id or None,
        anonymous_id=event.anonymous_id or None,
        event=event.name if event.type == "track" else None,
        name=name,
        category=category,
        properties=properties,
        traits=traits,
    )


def _labels(event: Event) -> tuple[Raw | UnsetType, Raw | UnsetType]:
    """Return a page's name and category; where its call had others than its properties, `extra` has them."""
    try:
        found = _LABELS.decode(event.data)
    except (msgspec.MsgspecError, RecursionError):
        return UNSET, UNSET
    others = _members(event.extra)
    return (
        found.name if _is_text(found.name) and "name" not in others else UNSET,
        found.category if _is_text(found.category) and "category" not in others else UNSET,
    )


def _is_text(raw: Raw) -> bool:
    return bytes(raw)[:1] == b'"'


def _with_extra(call: Call, extra: Raw) -> bytes:
    text = _ENCODER.encode(call)
    if extra == EMPTY_OBJECT:
        return text
    others = bytes(extra)
    if _MAYBE_OURS.search(others):
        others = _without_ours(extra, call)
    # in front: should a name stand twice after all, decoders take the last one
    return text if len(others) == 2 else b"%b,%b" % (others[:-1], text[1:])


def _without_ours(extra: Raw, call: Call) -> bytes:
    fields = zip(Call.__struct_fields__, Call.__struct_encode_fields__, strict=True)
    values = ((name, getattr(call, field)) for field, name in fields)
    ours = _SAID_BY_US.union(name for name, value in values if value is not None and value is not UNSET)
    members = _members(extra)
    if not members:
        return bytes(extra)
    return _ENCODER.encode({name: raw for name, raw in members.items() if name not in ours})


def _members(extra: Raw) -> dict[str, Raw]:
    """Return the members, or none where they cannot be told apart."""
    if extra == EMPTY_OBJECT:
        return {}
    try:
        return _MEMBERS.decode(extra)
    except (msgspec.MsgspecError, RecursionError):
        return {}
