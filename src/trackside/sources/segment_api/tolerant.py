"""Reads an item that the strict decoder does not take: member by member, losing nothing."""

from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Raw, Struct

from trackside.sources.message_id import hashed_id
from trackside.sources.refusal import INVALID_JSON, NOT_AN_OBJECT, Refusal, invalid_field
from trackside.sources.segment_api.wire import ABSENT, ITEM, MEMBERS, NULL, TEXT, Item

NOTHING: Final[Mapping[str, Raw]] = {}
_IDENTIFIERS = ("type", "userId", "anonymousId", "event", "groupId", "previousId")
"""Text, or a number that is taken as text; anything else makes the event meaningless."""
_TIMES = ("timestamp", "sentAt", "originalTimestamp", "receivedAt")
"""Kept as they came, whatever they are; the clock says whether it can read them."""
_LABELS = ("name", "category", "channel")
"""Text, or a number that is taken as text; anything else goes the way of unknown members."""
_RAW = {
    "properties": "properties",
    "traits": "traits",
    "context": "context",
    "integrations": "integrations",
    "_metadata": "metadata",
    "version": "version",
    "origin": "origin",
    "data": "data",
}
_FIELDS = {
    encoded: field
    for field, encoded in zip(Item.__struct_fields__, Item.__struct_encode_fields__, strict=True)
}


class Reading(Struct, frozen=True, gc=False):
    """An item as read, and what it had beside the members the protocol knows."""

    item: Item
    unknown: Mapping[str, Raw] = NOTHING


def read_item(text: Raw | bytes) -> Reading | Refusal:
    """Return what `text` says as an item, or why it cannot be one."""
    try:
        return Reading(ITEM.decode(text))
    except msgspec.MsgspecError:
        pass  # unusual, or not JSON: the strict decoder stops at whichever comes first
    try:
        members = MEMBERS.decode(text)
    except msgspec.ValidationError:
        return NOT_AN_OBJECT
    except msgspec.MsgspecError:
        return INVALID_JSON
    return _read_members(members)


def read_text(raw: Raw) -> str | None:
    """Return a JSON string's text, a number's digits, or None for anything else."""
    if not raw:
        return None
    text = bytes(raw)
    if text[:1] == b'"':
        return TEXT.decode(text)
    return text.decode() if text[:1] in b"-0123456789" else None


def read_any(raw: Raw) -> str | None:
    """Return a JSON string's text, any other value as it is written, or None where it is null or absent."""
    if not raw or raw == NULL:
        return None
    text = bytes(raw)
    return TEXT.decode(text) if text[:1] == b'"' else text.decode()


def _read_members(members: dict[str, Raw]) -> Reading | Refusal:
    known: dict[str, str | Raw | None] = {}
    for name in _IDENTIFIERS:
        raw = members.pop(name, ABSENT)
        if raw and raw != NULL:
            known[_FIELDS[name]] = text = read_text(raw)
            if text is None:
                return invalid_field(name, "a text")
    for name in _TIMES:
        known[_FIELDS[name]] = read_any(members.pop(name, ABSENT))
    for name in _LABELS:
        raw = members.get(name, ABSENT)
        text = read_text(raw)
        if text is not None or raw == NULL:
            del members[name]
            known[_FIELDS[name]] = text
    for name, field in _RAW.items():
        known[field] = members.pop(name, ABSENT)
    known["write_key"] = read_text(members.pop("writeKey", ABSENT))
    message_id = members.pop("messageId", ABSENT)
    known["message_id"] = read_text(message_id)
    if known["message_id"] is None and message_id and message_id != NULL:
        known["message_id"] = hashed_id(bytes(message_id))
        members["messageId"] = message_id
    return Reading(Item(**known), members)  # type: ignore[arg-type]  # each field has its own kind
