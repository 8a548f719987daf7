"""Ids for events that come without one that can be used."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

MAX_CHARACTERS = 100
"""Longest id that is taken as it is; Segment's own limit."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_48_BITS, _62_BITS = (1 << 48) - 1, (1 << 62) - 1


def new_id(at: datetime, random_bits: Callable[[int], int]) -> str:
    """Return an id of its own that sorts by the time it was made (UUID version 7, RFC 9562)."""
    milliseconds = (at - _EPOCH) // _MILLISECOND
    random = random_bits(74)
    value = (milliseconds & _48_BITS) << 80 | 7 << 76 | (random >> 62) << 64 | 2 << 62 | random & _62_BITS
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def hashed_id(original: bytes) -> str:
    """Return an id for one that cannot be used itself: the same for the same, so that retries are found."""
    return "hash-" + blake2b(original, digest_size=20).hexdigest()
