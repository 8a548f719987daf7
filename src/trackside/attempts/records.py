"""An attempt as bytes: a record of its beginning and one of its end, the same in the journal and in the database.

In front of each stands what the writer needs to know, so that it has to decode nothing.
"""

from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from struct import Struct as Format
from typing import Any, Final

import msgspec
from msgspec import Struct

from trackside.attempts.base import BODY_BYTES, OUTCOMES, Attempt, Ending, Outcome, Sending
from trackside.sqlite.instants import from_us

BEGIN: Final = 1
END: Final = 2
KEY_BYTES: Final = 7
_BEGIN: Final = Format("<BQqqHH")
"""Kind, key, position, when it began, lengths of the destination's name and the event's id, which follow."""
_END: Final = Format("<BQBHd")
"""Kind, key, outcome, status (0: none), duration."""
_FRONT: Final = Format("<BQ")
"""What both begin with."""
_ID_BYTES: Final = 65_535
_LENGTHS: Final = Format("<II")
_OUTCOME_NUMBERS: Final = {outcome: number for number, outcome in enumerate(OUTCOMES)}

BeginFields = tuple[str, int, str, str, list[tuple[str, str]], bytes, int]
EndFields = tuple[str | None, str | None, list[tuple[str, str]], bytes, int, bool]

_encode = msgspec.msgpack.Encoder().encode
_decode_begin = msgspec.msgpack.Decoder(BeginFields).decode
_decode_end = msgspec.msgpack.Decoder(EndFields).decode


class Begun(Struct, frozen=True, gc=False):
    """What the beginning of a record says without being decoded."""

    position: int
    began_us: int
    destination: bytes
    event_id: bytes
    length: int
    """Where what has to be decoded begins."""


def encode_begin(key: int, destination: bytes, sending: Sending, *, bodies: bool) -> bytes:
    """Return the record of a beginning."""
    body = sending.body
    event_id = id_bytes(sending.event_id)
    fields = (
        sending.event_name,
        sending.number,
        sending.method,
        sending.url,
        sending.headers,
        (body if len(body) <= BODY_BYTES else body[:BODY_BYTES]) if bodies else b"",
        len(body),
    )
    head = _BEGIN.pack(BEGIN, key, sending.position, sending.began_us, len(destination), len(event_id))
    return b"".join((head, destination, event_id, _encoded(fields)))


def encode_end(key: int, ending: Ending, *, bodies: bool) -> bytes:
    """Return the record of an end."""
    body = ending.body
    fields = (
        ending.fault,
        ending.reason,
        ending.headers,
        (body if len(body) <= BODY_BYTES else body[:BODY_BYTES]) if bodies else b"",
        len(body),
        ending.truncated,
    )
    number = _OUTCOME_NUMBERS[ending.outcome]
    return _END.pack(END, key, number, ending.status or 0, ending.duration_s) + _encoded(fields)


kind_and_key: Callable[[bytes], tuple[int, int]] = _FRONT.unpack_from
"""Returns whether a record is a beginning or an end, and the key that both have in common."""


def begun(record: bytes) -> Begun:
    """Return what stands in front of the record of a beginning."""
    _, _, position, began_us, name, id_ = _BEGIN.unpack_from(record)
    named = _BEGIN.size + name
    return Begun(position, began_us, record[_BEGIN.size : named], record[named : named + id_], named + id_)


def ends_of(records: Iterable[bytes]) -> Iterator[tuple[Outcome, int]]:
    """Return the different outcomes with statuses (0: none) in front of the records of ends."""
    for front in {record[9:12] for record in records}:
        yield OUTCOMES[front[0]], front[1] | front[2] << 8


def is_sound(record: bytes) -> bool:
    """Return whether it can be a record at all: after a power cut there may be anything."""
    if record[:1] == bytes([BEGIN]):
        return len(record) > _BEGIN.size
    return record[:1] == bytes([END]) and len(record) > _END.size and record[9] < len(OUTCOMES)


def attempt_of(begin: bytes, end: bytes) -> Attempt:
    """Return the attempt. Raises MsgspecError or ValueError where a record is damaged."""
    front = begun(begin)
    event_name, number, method, url, headers, body, length = _decode_begin(begin[front.length :])
    _, _, outcome, status, duration_s = _END.unpack_from(end)
    fault, reason, answered, answer, read, truncated = _decode_end(end[_END.size :])
    return Attempt(
        destination=front.destination.decode(),
        position=front.position,
        event_id=front.event_id.decode(),
        event_name=event_name,
        number=number,
        began_at=from_us(front.began_us),
        duration_s=duration_s,
        outcome=OUTCOMES[outcome],
        status=status or None,
        fault=fault,
        reason=reason,
        method=method,
        url=url,
        request_headers=headers,
        request_body=body,
        request_bytes=length,
        response_headers=answered,
        response_body=answer,
        response_bytes=read,
        truncated=truncated,
    )


def without_bodies(begin: bytes, end: bytes) -> tuple[bytes, bytes]:
    """Return the same records with neither body; the lengths they had stay. Raises MsgspecError where damaged."""
    front = begun(begin)
    name, number, method, url, headers, _, length = _decode_begin(begin[front.length :])
    fault, reason, answered, _, read, truncated = _decode_end(end[_END.size :])
    return (
        begin[: front.length] + _encoded((name, number, method, url, headers, b"", length)),
        end[: _END.size] + _encoded((fault, reason, answered, b"", read, truncated)),
    )


def join_pairs(pairs: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return the records of several attempts, one after the other."""
    pack = _LENGTHS.pack
    return b"".join([part for pair in pairs for part in (pack(len(pair[0]), len(pair[1])), *pair)])


def split_pairs(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Return what `join_pairs` joined. Raises ValueError where it is damaged."""
    at = 0
    while at < len(body):
        if at + _LENGTHS.size > len(body):
            raise ValueError("a group of attempts ends early")
        begin, end = _LENGTHS.unpack_from(body, at)
        at += _LENGTHS.size
        if at + begin + end > len(body):
            raise ValueError("a group of attempts ends early")
        yield body[at : at + begin], body[at + begin : at + begin + end]
        at += begin + end


def id_bytes(event_id: str) -> bytes:
    """Return an event's id as it is kept: half characters are written out, and none is of absurd length."""
    return event_id.encode(errors="backslashreplace")[:_ID_BYTES]


def key_of_id(event_id: bytes) -> bytes:
    """Return what attempts of an event are found by."""
    return blake2b(event_id, digest_size=KEY_BYTES).digest()


def key_of_position(position: int) -> bytes:
    """Return what attempts at a position of the log are found by: its low byte first, which spreads best."""
    return position.to_bytes(8, "little")[:KEY_BYTES]


def _encoded(fields: Any) -> bytes:
    try:
        return _encode(fields)
    except UnicodeEncodeError:  # half characters, which servers' headers can hold
        return _encode(_printable(fields))


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, list | tuple):
        each: Callable[[Any], Any] = _printable
        return [each(item) for item in value]
    return value
