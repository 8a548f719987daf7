"""Reads a request's body within limits: of size before and after decompression, and of memory for all of them."""

import zlib
from collections.abc import Mapping

import zstandard

from trackside.server.asgi import Receive

_GZIP = 16 + zlib.MAX_WBITS
_MOST_MEMBERS = 64
"""A gzip body may be several members in a row; a long row of tiny ones would cost quadratic time."""
_OVERSIZE_DRAINED = 4
"""Up to so many times the limit is read and thrown away, so that the client can hear why it was refused."""


class BodyRefused(Exception):  # noqa: N818  # not an error of ours: the request's answer
    """The body will not be taken; the request is answered `status` with `code` and the message."""

    def __init__(self, code: str, message: str, *, status: int = 400, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.retry_after_s = retry_after_s


class ClientGone(Exception):  # noqa: N818  # the other side of the connection left
    """The client closed the connection before its request was complete."""


class Buffers:
    """How many bytes of bodies are being read at this moment, over all requests of the process."""

    __slots__ = ("capacity", "used")

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.used = 0


async def read_body(receive: Receive, headers: Mapping[bytes, bytes], *, limit: int, buffers: Buffers) -> bytes:
    """Return the body, its content encoding undone.

    Raises BodyRefused where it is larger than `limit` bytes (compressed or not), wrongly encoded, or where the
    process has no room for it now; ClientGone where it never became complete.
    """
    message = await receive()
    if message["type"] != "http.request":
        raise ClientGone
    body: bytes = message["body"]
    if message.get("more_body"):
        body = await _read_rest(receive, body, limit=limit, buffers=buffers)
    elif len(body) > limit:
        raise _too_large(limit)
    encoding = headers.get(b"content-encoding")
    return decompress(body, encoding, limit=limit) if encoding else body


async def _read_rest(receive: Receive, start: bytes, *, limit: int, buffers: Buffers) -> bytes:
    parts, size, held = [start], len(start), len(start)
    buffers.used += held
    try:
        while True:
            if buffers.used > buffers.capacity:
                raise BodyRefused(
                    "overloaded", "too many bytes are being received; come back later", status=429, retry_after_s=1
                )
            message = await receive()
            if message["type"] != "http.request":
                raise ClientGone
            part = message["body"]
            size += len(part)
            if size <= limit:
                parts.append(part)
                held += len(part)
                buffers.used += len(part)
            elif size > limit * _OVERSIZE_DRAINED:
                raise _too_large(limit)
            if not message.get("more_body"):
                break
    finally:
        buffers.used -= held
    if size > limit:
        raise _too_large(limit)
    return b"".join(parts)


def decompress(body: bytes, encoding: bytes, *, limit: int) -> bytes:
    """Return `body` with its Content-Encoding undone; never holds more than `limit` bytes of result.

    Takes gzip, deflate (with or without zlib's header), zstd and identity, and lists of them.
    Raises BodyRefused for anything else, for broken data and for results above the limit.
    """
    for name in reversed(encoding.lower().replace(b" ", b"").split(b",")):
        if name in {b"gzip", b"x-gzip"}:
            body = _inflate(body, _GZIP, limit)
        elif name == b"deflate":
            zlib_header = len(body) > 1 and body[0] & 15 == 8 and not (body[0] * 256 + body[1]) % 31
            body = _inflate(body, zlib.MAX_WBITS if zlib_header else -zlib.MAX_WBITS, limit)
        elif name == b"zstd":
            body = _unzstd(body, limit)
        elif name not in {b"identity", b""}:
            raise BodyRefused(
                "unsupported_encoding",
                f"Content-Encoding {name.decode('latin-1')!r} is not supported; send gzip, deflate, zstd or none",
            )
    return body


def _inflate(body: bytes, wbits: int, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    try:
        while body:
            if len(parts) == _MOST_MEMBERS:
                raise BodyRefused("invalid_encoding", f"the gzip body has more than {_MOST_MEMBERS} members")
            inflater = zlib.decompressobj(wbits)
            part = inflater.decompress(body, limit + 1 - size)
            size += len(part)
            if size > limit or inflater.unconsumed_tail:
                raise _too_large(limit)
            if not inflater.eof:
                raise BodyRefused("invalid_encoding", "the compressed body ends too early")
            parts.append(part)
            body = inflater.unused_data if wbits == _GZIP else b""  # gzip may be several members in a row
    except zlib.error as error:
        raise BodyRefused("invalid_encoding", "the body is not compressed as Content-Encoding says") from error
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _unzstd(body: bytes, limit: int) -> bytes:
    try:
        with zstandard.ZstdDecompressor(max_window_size=8 * 1024 * 1024).stream_reader(body) as reader:
            plain = reader.read(limit + 1)
    except (zstandard.ZstdError, MemoryError) as error:
        raise BodyRefused("invalid_encoding", "the body is not compressed as Content-Encoding says") from error
    if len(plain) > limit:
        raise _too_large(limit)
    return plain


def _too_large(limit: int) -> BodyRefused:
    return BodyRefused("request_too_large", f"the body is larger than {limit} bytes; send smaller batches")
