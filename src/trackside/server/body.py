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

    def __init__(
        self, code: str, message: str, *, status: int = 400, retry_after_s: int | None = None
    ) -> None:
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


class BodyReader:
    """Puts a body together as its parts arrive. Every reader ends by `finish` or by `give_up`."""

    __slots__ = ("_buffers", "_held", "_limit", "_parts", "_size")

    def __init__(self, limit: int, buffers: Buffers) -> None:
        self._limit = limit
        self._buffers = buffers
        self._parts: list[bytes] = []
        self._size = 0
        self._held = 0

    def feed(self, part: bytes) -> None:
        """Take the next part.

        Raises BodyRefused where the process has no room for it now, or where the client goes on sending
        long after the body was too large; what is moderately too large is thrown away and refused by `finish`.
        """
        size = len(part)
        self._size += size
        if self._size <= self._limit:
            self._parts.append(part)
            self._held += size
            self._buffers.used += size
            if self._buffers.used > self._buffers.capacity:
                raise BodyRefused(
                    "overloaded", "too many bytes are being received", status=429, retry_after_s=1
                )
        elif self._size > self._limit * _OVERSIZE_DRAINED:
            raise _too_large(self._limit)

    def give_up(self) -> None:
        """Release what is held."""
        self._buffers.used -= self._held
        self._held = 0
        self._parts.clear()

    def finish(self, encoding: bytes | None) -> bytes:
        """Return the body, its content encoding undone.

        Raises BodyRefused where it is too large (compressed or not) or wrongly encoded.
        """
        parts = self._parts
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        self.give_up()
        if self._size > self._limit:
            raise _too_large(self._limit)
        return decompress(body, encoding, limit=self._limit) if encoding else body


async def read_body(
    receive: Receive, headers: Mapping[bytes, bytes], *, limit: int, buffers: Buffers
) -> bytes:
    """Return the body of an ASGI request, its content encoding undone.

    Raises BodyRefused as BodyReader does, and ClientGone where the body never became complete.
    """
    reader = BodyReader(limit, buffers)
    try:
        while True:
            message = await receive()
            if message["type"] != "http.request":
                raise ClientGone
            reader.feed(message.get("body", b""))
            if not message.get("more_body"):
                return reader.finish(headers.get(b"content-encoding"))
    finally:
        reader.give_up()


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
        raise BodyRefused(
            "invalid_encoding", "the body is not compressed as Content-Encoding says"
        ) from error
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _unzstd(body: bytes, limit: int) -> bytes:
    try:
        with zstandard.ZstdDecompressor(max_window_size=8 * 1024 * 1024).stream_reader(body) as reader:
            plain = reader.read(limit + 1)
    except (zstandard.ZstdError, MemoryError) as error:
        raise BodyRefused(
            "invalid_encoding", "the body is not compressed as Content-Encoding says"
        ) from error
    if len(plain) > limit:
        raise _too_large(limit)
    return plain


def _too_large(limit: int) -> BodyRefused:
    return BodyRefused("request_too_large", f"the body is larger than {limit} bytes; send smaller batches")
