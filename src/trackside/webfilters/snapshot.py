"""What a point sends, as plain JSON values of its own: nothing an answer does touches the platform's objects."""

from collections.abc import Iterable, Mapping, Sequence, Set
from hashlib import sha256
from typing import Any, Final

from msgspec import Raw

from trackside.document.encoding import Document, encode
from trackside.emitted import Unencodable, encode_json
from trackside.event import decode_object
from trackside.webfilters.points import FilterPoint

MOST_VALUES: Final = 20_000
MOST_DEPTH: Final = 32
MOST_BYTES: Final = 262_144
_ATOMS: Final = frozenset({str, int, float, bool, bytes, type(None)})


class Unsendable(ValueError):  # noqa: N818  # said of data
    """The data cannot be sent; the message says why."""


def snapshot(point: FilterPoint, data: Mapping[str, Any]) -> Document:
    """Return the fields that the point sends, as they are now; times and other known kinds become text.

    Raises Unsendable where they contain themselves, are nested too deep, too many, or nothing that JSON has.
    """
    sent = {name: data[name] for name in point.sends if name in data}
    if not within(sent):
        raise Unsendable(f"the data is nested deeper than {MOST_DEPTH}, or more than {MOST_VALUES:,} values")
    try:
        text = encode_json(sent)
        if len(text) > MOST_BYTES:
            raise Unsendable(f"the data is longer than {MOST_BYTES:,} bytes")
        return decode_object(Raw(text))
    except Unencodable:
        raise Unsendable("the data has values that JSON does not have") from None


def within(value: object, *, most_values: int = MOST_VALUES, most_depth: int = MOST_DEPTH) -> bool:
    """Return whether a value is of a size that can be looked into; one that contains itself is not.

    Counts as it walks: a small graph whose parts appear many times over is as large as its JSON would be.
    """
    level: list[Any] = [value]
    seen = 1
    for _ in range(most_depth):
        below: list[Any] = []
        for each in level:
            kind = type(each)
            if kind is dict:
                below.extend(each.values())
            elif kind is list or kind is tuple:
                below.extend(each)
            elif kind not in _ATOMS:
                below.extend(_parts(each))
            if seen + len(below) > most_values:
                return False
        if not below:
            return True
        seen += len(below)
        level = below
    return False


def _parts(value: object) -> Iterable[object]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, Sequence | Set) and not isinstance(value, bytearray) else ()


def hash_of(document: Document) -> str:
    """Return what tells one content from another: 32 characters of its SHA-256."""
    return sha256(encode(document)).hexdigest()[:32]
