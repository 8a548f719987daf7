"""Events as bytes and back: one JSON array a line, `data`, `context` and `extra` as they arrived."""

import json
from collections.abc import Iterator, Sequence

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from trackside.event import Event

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Event)
# The standard library's decoder takes half characters (\ud800 alone) and numbers of any length.
_lenient = json.JSONDecoder(parse_int=str, parse_float=str)
_RAW_FIELDS = {Event.__struct_fields__.index(name): name for name in ("data", "context", "extra")}

encode_event = _encoder.encode
encode_events = _encoder.encode_lines


def decode_events(lines: bytes, count: int) -> Sequence[Event]:
    """Return the `count` events of these lines. Raises MsgspecError or ValueError where they are damaged."""
    try:
        events: Sequence[Event] = _decoder.decode_lines(lines)
    except msgspec.MsgspecError:
        events = [decode_event(line) for line in _split(lines, count)]
    if len(events) != count:
        raise ValueError(f"{len(events)} events where {count} were written")
    return events


def decode_event(line: bytes) -> Event:
    """Return the event. Raises MsgspecError or ValueError where it is damaged."""
    try:
        return _decoder.decode(line)
    except msgspec.MsgspecError:
        return _decode_leniently(line.decode())


def _decode_leniently(line: str) -> Event:
    """Decode an event whose objects hold what is JSON, but not to every decoder: they stay untouched."""
    parts = list(_elements(line))
    kept = {name: Raw(parts[index].encode()) for index, name in _RAW_FIELDS.items() if index < len(parts)}
    plain = ["{}" if index in _RAW_FIELDS else part for index, part in enumerate(parts)]
    return replace(_decoder.decode(f"[{','.join(plain)}]"), **kept)


def _elements(array: str) -> Iterator[str]:
    start = 1
    while array[start - 1] != "]":
        _, end = _lenient.raw_decode(array, start)
        yield array[start:end]
        start = end + 1


def _split(lines: bytes, count: int) -> Iterator[bytes]:
    found = lines.splitlines()
    if len(found) == count:
        yield from found
        return
    text, start = lines.decode(), 0  # an object with a line break in it
    while start < len(text):
        _, end = _lenient.raw_decode(text, start)
        yield text[start:end].encode()
        start = end + 1
