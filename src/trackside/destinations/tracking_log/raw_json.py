"""Looking one level into JSON that stays as it is.

The fast way is msgspec; what it refuses although it is valid JSON (half of a surrogate pair as an escape,
numbers beyond a float) goes the slow way, by the standard library. Neither way changes a value's bytes.
"""

import json
from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec
from msgspec import Raw

Members = dict[str, Raw]

T = TypeVar("T")

_MEMBERS = msgspec.json.Decoder(Members)
_TEXT = msgspec.json.Decoder(str)
_ENCODER = msgspec.json.Encoder()


def _kept(digits: str) -> int:
    """Stand for a number whose value nobody asks for: int() refuses long ones, float() loses them."""
    return len(digits)


_SLOW = json.JSONDecoder(parse_int=_kept, parse_float=_kept, parse_constant=_kept, strict=False)


def members(raw: Raw) -> Members:
    """Return the members of the JSON object in `raw`, each value as its own bytes.

    Of repeated names the last one counts. Raises ValueError or RecursionError where it is no object, or
    nested so deeply that nothing can be said about it.
    """
    try:
        return _MEMBERS.decode(raw)
    except (msgspec.MsgspecError, RecursionError):
        return _slow_members(bytes(raw).decode("utf-8", "surrogatepass"))


def _slow_members(text: str) -> Members:
    found: Members = {}
    at = _skip_space(text, 0)
    if text[at : at + 1] != "{":
        raise ValueError("not a JSON object")
    at = _skip_space(text, at + 1)
    while text[at : at + 1] == '"':
        name, at = _SLOW.raw_decode(text, at)
        at = _skip_space(text, _skip_space(text, at) + 1)
        _, end = _SLOW.raw_decode(text, at)
        found[name] = Raw(text[at:end].encode("utf-8", "surrogatepass"))
        at = _skip_space(text, _skip_space(text, end) + 1)
    return found


def _skip_space(text: str, at: int) -> int:
    while text[at : at + 1] in {" ", "\t", "\n", "\r"}:
        at += 1
    return at


def members_or_whole(raw: Raw, name: str) -> Members:
    """Return the members of `raw`; where they cannot be told apart, all of it as one member called `name`."""
    try:
        return members(raw)
    except (ValueError, RecursionError):
        return {name: raw}


def on_one_line(json: bytes) -> bytes:
    """Return `json` with spaces for the line ends between its tokens; within a string it can have none."""
    return json.replace(b"\n", b" ").replace(b"\r", b" ")


def text_of(raw: Raw) -> str:
    """Return the JSON string in `raw`; half of a surrogate pair becomes U+FFFD."""
    try:
        return _TEXT.decode(raw)
    except msgspec.MsgspecError:
        text: str = json.loads(bytes(raw), strict=False)
        return text.encode("utf-8", "replace").decode()


def encode_members(found: Mapping[str, object]) -> bytes:
    """Return the JSON object of these members; a Raw value goes in as it is."""
    try:
        return _ENCODER.encode(found)
    except UnicodeEncodeError:  # a name with half of a surrogate pair: only an escape can say it
        encoded = (json.dumps(name).encode() + b":" + _encode(value) for name, value in found.items())
        return b"{" + b",".join(encoded) + b"}"


def _encode(value: object) -> bytes:
    try:
        return _ENCODER.encode(value)
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def attempt(look: Callable[[Raw], T], raw: Raw, otherwise: T) -> T:
    """Return what `look` finds in `raw`, or `otherwise` where that cannot be looked into."""
    try:
        return look(raw)
    except (ValueError, RecursionError):
        return otherwise
