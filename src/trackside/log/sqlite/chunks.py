"""A chunk: neighbouring events, compressed together."""

import threading
from collections.abc import Iterator, Sequence
from operator import attrgetter

import msgspec
import zstandard
from msgspec import Struct

from trackside.errors import StorageError
from trackside.event import Event
from trackside.log.sqlite.event_codec import decode_events, encode_events
from trackside.sqlite.instants import to_us

MAX_EVENTS = 1_000
MAX_RAW_BYTES = 1_048_576
MAX_NAMES = 64
"""A chunk of more names than these is looked into by every reader."""
FAST = 1
SMALL = 3

_encoder = msgspec.json.Encoder()
_names_decoder = msgspec.json.Decoder(list[str])
_received_at = attrgetter("received_at")
_local = threading.local()


class Chunk(Struct, frozen=True, kw_only=True, gc=False):
    """What one row of `chunks` says of its events, beside their position."""

    count: int
    received_from: int
    received_until: int
    raw_bytes: int
    names: str | None
    body: bytes


def encode_chunks(events: Sequence[Event], compressor: zstandard.ZstdCompressor) -> Iterator[Chunk]:
    """Yield chunks that hold all events in their order, none too large to be read at once."""
    for start in range(0, len(events), MAX_EVENTS):
        yield from _encode(events[start : start + MAX_EVENTS], compressor)


def _encode(events: Sequence[Event], compressor: zstandard.ZstdCompressor) -> Iterator[Chunk]:
    raw = encode_events(events)
    if len(raw) > MAX_RAW_BYTES and len(events) > 1:
        half = len(events) // 2
        yield from _encode(events[:half], compressor)
        yield from _encode(events[half:], compressor)
        return
    moments = set(map(_received_at, events))
    yield Chunk(
        count=len(events),
        received_from=to_us(min(moments)),
        received_until=to_us(max(moments)),
        raw_bytes=len(raw),
        names=encode_names({event.name for event in events}),
        body=compressor.compress(raw),
    )


def encode_names(names: set[str]) -> str | None:
    """Return the names as a JSON list, or None where they are too many to be worth a look."""
    return _encoder.encode(sorted(names)).decode() if len(names) <= MAX_NAMES else None


def decode_names(names: str) -> list[str]:
    """Return the names that `encode_names` wrote."""
    return _names_decoder.decode(names)


def decompress(body: bytes, first: int) -> bytes:
    """Return the lines of a chunk. Raises StorageError where the disk gave back something else."""
    decompressor: zstandard.ZstdDecompressor | None = getattr(_local, "decompressor", None)
    if decompressor is None:
        decompressor = _local.decompressor = zstandard.ZstdDecompressor()
    try:
        return decompressor.decompress(body)
    except zstandard.ZstdError as error:
        raise StorageError(
            f"the events from position {first} on are damaged on disk ({error}); restore a backup"
        ) from error


def decode_chunk(body: bytes, first: int, count: int) -> Sequence[Event]:
    """Return the events of a chunk. Raises StorageError where it is damaged."""
    try:
        return decode_events(decompress(body, first), count)
    except (msgspec.MsgspecError, ValueError) as error:
        raise StorageError(f"the events from position {first} on cannot be decoded: {error}") from error


def make_compressor(level: int) -> zstandard.ZstdCompressor:
    """Return a compressor, for one thread at a time."""
    return zstandard.ZstdCompressor(level=level)
