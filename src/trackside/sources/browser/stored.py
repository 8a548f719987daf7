"""An event's data as JSON that can be stored; `reading.value_of` says the same in Python's values."""

import json
from collections.abc import Mapping

import msgspec
from msgspec import Raw

from trackside.sources.browser.reading import username_without_id, value_of
from trackside.sources.json_text import (
    LONGEST_NUMBER,
    has_lines,
    has_unreadable_number,
    is_deeper,
    one_line,
    repair,
)
from trackside.users.base import Directory

_ENCODER = msgspec.json.Encoder()
_JSON = msgspec.json.Decoder(Raw)
_TEXT = msgspec.json.Decoder(str)
_MEMBERS = msgspec.json.Decoder(dict[str, Raw])
_NOTHING = frozenset({b"null", b"false", b'""', b"[]", b"{}"})
_OBJECT = b"{}"
_QUOTE, _OPEN_LIST, _OPEN_BRACE = b'"[{'
_ZERO = b"-0"
_LONGEST_ZERO = 400


def stored_data(event: Raw | str | None, *, depth: int) -> bytes:
    """Return the data on one line: of a text that is JSON what it says, else the text; `{}` where it is nothing.

    Deeper than `depth`, or with a number that nobody reads, a text is not taken for JSON. A Raw is JSON already.
    """
    if not event:
        return _OBJECT
    if isinstance(event, str):
        data = _json_or_text(event, depth)
    else:
        data = bytes(event)
        if data[0] == _QUOTE:
            text = _TEXT.decode(data)
            data = _json_or_text(text, depth) if text else _OBJECT
        elif has_lines(data):
            data = one_line(data)
    return _OBJECT if _is_nothing(data) else data


def with_user_id(data: bytes, directory: Directory) -> bytes:
    """Return the data with the id of the user it names, where it names one and has no id.

    Raises NotLoadedError where the directory has to look the user up first.
    """
    if data[0] != _OPEN_BRACE or not (b"username" in data or b"\\u" in data):
        return data
    members = _MEMBERS.decode(data)
    username = username_without_id(_with_texts(members))
    user = directory.named(username) if username else None
    if user is None:
        return data
    members["user_id"] = Raw(_ENCODER.encode(user.id))
    return _ENCODER.encode(members)


def _json_or_text(text: str, depth: int) -> bytes:
    said = text.encode()
    if not is_deeper(said, depth):
        try:
            data = bytes(_JSON.decode(said))
        except msgspec.MsgspecError:
            data = _closely(text)
        if not (len(data) > LONGEST_NUMBER and has_unreadable_number(data)):
            return one_line(data) if has_lines(data) else data
    return _ENCODER.encode(text)


def _closely(text: str) -> bytes:
    """Return the JSON of a text that is none to msgspec: it refuses half pairs of surrogates, Python does not."""
    value = value_of(text)
    if value is text:
        return _ENCODER.encode(text)
    return repair(json.dumps(value).encode())


def _is_nothing(data: bytes) -> bool:
    """Return whether the data is what Python calls false: the tracker makes an empty object of that."""
    if data in _NOTHING:
        return True
    if data[0] in _ZERO:
        return len(data) < _LONGEST_ZERO and float(data) == 0
    return data[0] == _OPEN_LIST and not data[1:-1].strip()


def _with_texts(members: Mapping[str, Raw]) -> dict[str, object]:
    """Return the members, the username among them decoded."""
    username = members.get("username")
    if username is None or bytes(username)[0] != _QUOTE:
        return {**members}
    return {**members, "username": _TEXT.decode(username)}
