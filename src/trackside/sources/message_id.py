"""Ids for events that come without one that can be used."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from uuid import UUID

MAX_CHARACTERS = 100
"""Longest id that is taken as it is; Segment's own limit."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def new_id(at: datetime, random_bits: Callable[[int], int]) -> str:
    """Return an id of its own that sorts by the time it was made (UUID version 7, RFC 9562)."""
    milliseconds = (at - _EPOCH) // timedelta(milliseconds=1)
    value = (milliseconds & (1 << 48) - 1) << 80 | 7 << 76 | random_bits(12) << 64 | 2 << 62 | random_bits(62)
    return str(UUID(int=value))


def hashed_id(original: bytes) -> str:
    """Return an id for one that cannot be used itself: the same for the same, so that retries are found."""
    return "hash-" + blake2b(original, digest_size=20).hexdigest()
