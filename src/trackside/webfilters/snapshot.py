"""What a point sends, as plain JSON values of its own: nothing an answer does touches the platform's objects."""

from collections.abc import Iterable, Mapping, Sequence, Set
from hashlib import sha256
from typing import Any, Final

import msgspec
from msgspec import Raw

from trackside.document.encoding import Document, encode
from trackside.emitted import Unencodable, encode_json
from trackside.event import decode_object
from trackside.webfilters.points import FilterPoint

MOST_VALUES: Final = 20_000
MOST_DEPTH: Final = 32
MOST_BYTES: Final = 262_144
_PLAIN: Final = frozenset({str, int, float, bool, type(None)})
_ENCODER: Final = msgspec.json.Encoder()


class Unsendable(ValueError):  # noqa: N818  # said of data
    """The data cannot be sent; the message says why."""


class Snapshot:
    """Data as it is at one moment of a question, its text and the hash of it; nothing in it is changed."""

    __slots__ = ("_hash", "_text", "document")

    def __init__(self, document: Document, text: bytes | None = None) -> None:
        self.document = document
        self._text = text
        self._hash: str | None = None

    @property
    def text(self) -> bytes:
        """The data as compact JSON."""
        if self._text is None:
            self._text = encode(self.document)
        return self._text

    @property
    def hash(self) -> str:
        """What tells one content from another: 32 characters of its SHA-256."""
        if self._hash is None:
            self._hash = sha256(self.text).hexdigest()[:32]
        return self._hash


NOTHING: Final = Snapshot({}, b"{}")


def snapshot(point: FilterPoint, data: Mapping[str, Any]) -> Snapshot:
    """Return the fields that the point sends, as they are now; times and other known kinds become text.

    Raises Unsendable where they contain themselves, are nested too deep, too many, or nothing that JSON has.
    """
    sent = {name: data[name] for name in point.sends if name in data}
    plain = plainness(sent)
    if plain is None:
        raise Unsendable(f"the data is nested deeper than {MOST_DEPTH}, or more than {MOST_VALUES:,} values")
    try:
        text = (_encoded(sent) if plain else b"") or encode_json(sent)
        if len(text) > MOST_BYTES:
            raise Unsendable(f"the data is longer than {MOST_BYTES:,} bytes")
        return Snapshot(decode_object(Raw(text)), text)
    except Unencodable:
        raise Unsendable("the data has values that JSON does not have") from None


def plainness(value: object, *, most_values: int = MOST_VALUES, most_depth: int = MOST_DEPTH) -> bool | None:
    """Return None where a value is too large to be looked into, else whether all in it is of the types of JSON itself.

    Counts as it walks: a small graph whose parts appear many times over is as large as its JSON would be; one that
    contains itself is too large.
    """
    level: list[Any] = [value]
    seen, plain = 1, True
    for _ in range(most_depth):
        if _PLAIN.issuperset(map(type, level)):
            return plain  # nearly all values are at the bottom
        below: list[Any] = []
        for each in level:
            kind = type(each)
            if kind is dict:
                below.extend(each.values())
            elif kind is list or kind is tuple:
                below.extend(each)
            elif kind not in _PLAIN:
                plain = False
                below.extend(_parts(each))
            if seen + len(below) > most_values:
                return None
        if not below:
            return plain
        seen += len(below)
        level = below
    return None


def _parts(value: object) -> Iterable[object]:
    if isinstance(value, Mapping):
        return value.values()
    if isinstance(value, str | bytes | bytearray):
        return ()
    return value if isinstance(value, Sequence | Set) else ()


def _encoded(value: object) -> bytes:
    """Return what `encode_json` makes of a value in which no time can be, sooner; nothing where that is to do it."""
    try:
        return _ENCODER.encode(value)
    except (TypeError, ValueError, OverflowError):
        return b""  # half of a surrogate pair, an integer beyond 64 bits
