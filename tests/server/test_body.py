"""Bodies within limits: sizes before and after decompression, broken encodings, memory for all requests."""

import asyncio
import contextlib
import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from trackside.server.asgi import Message
from trackside.server.body import BodyRefused, Buffers, ClientGone, decompress, read_body


def _gzip(text: bytes) -> bytes:
    return gzip.compress(text, mtime=0)  # what names a test must not change with the time


PLAIN = b'{"event":"x"}' * 50


def read(
    *parts: bytes,
    limit: int = 10_000,
    encoding: bytes | None = None,
    buffers: Buffers | None = None,
    complete: bool = True,
) -> bytes:
    messages: list[Message] = [
        {"type": "http.request", "body": part, "more_body": not complete or number < len(parts) - 1}
        for number, part in enumerate(parts)
    ]
    messages.append({"type": "http.disconnect"})

    async def receive() -> Message:
        return messages.pop(0)

    headers = {} if encoding is None else {b"content-encoding": encoding}
    return asyncio.run(read_body(receive, headers, limit=limit, buffers=buffers or Buffers(1_000_000)))


def test_a_body_in_one_part_and_in_many() -> None:
    """It makes no difference how the body was cut on the way."""
    assert read(PLAIN) == PLAIN
    assert read(PLAIN[:5], PLAIN[5:6], b"", PLAIN[6:]) == PLAIN


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        (b"gzip", _gzip(PLAIN)),
        (b"x-gzip", _gzip(PLAIN)),
        (b"GZIP", _gzip(PLAIN)),
        (b"deflate", zlib.compress(PLAIN)),
        (b"deflate", zlib.compress(PLAIN)[2:-4]),
        (b"zstd", zstandard.compress(PLAIN)),
        (b"identity", PLAIN),
        (b"identity, gzip", _gzip(PLAIN)),
        (b"gzip, gzip", _gzip(_gzip(PLAIN))),
        (b"gzip", _gzip(PLAIN[:100]) + _gzip(PLAIN[100:])),
    ],
)
def test_content_encodings(encoding: bytes, body: bytes) -> None:
    """Every encoding a client of the field uses is undone, whole or in parts."""
    assert read(body, encoding=encoding) == PLAIN
    assert read(body[:7], body[7:], encoding=encoding) == PLAIN


@pytest.mark.parametrize(
    ("encoding", "body", "code"),
    [
        (b"gzip", PLAIN, "invalid_encoding"),
        (b"gzip", _gzip(PLAIN)[:-9], "invalid_encoding"),
        (b"gzip", _gzip(PLAIN) + b"tail", "invalid_encoding"),
        (b"gzip", _gzip(b"") * 300, "invalid_encoding"),
        (b"deflate", b"\x00", "invalid_encoding"),
        (b"zstd", PLAIN, "invalid_encoding"),
        (b"br", PLAIN, "unsupported_encoding"),
        (b"gzip\xff", PLAIN, "unsupported_encoding"),
        (b"gzip", _gzip(b"a" * 10_001), "request_too_large"),
        (b"zstd", zstandard.compress(b"a" * 10_001), "request_too_large"),
    ],
)
def test_a_wrong_encoding_is_refused(encoding: bytes, body: bytes, code: str) -> None:
    """The client is told 400 and which of the things is wrong."""
    with pytest.raises(BodyRefused) as refused:
        read(body, encoding=encoding)
    assert (refused.value.status, refused.value.code) == (400, code)


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [(b"gzip", _gzip), (b"zstd", zstandard.compress), (b"deflate", zlib.compress)],
)
def test_a_bomb_costs_no_memory(encoding: bytes, compress: Callable[[bytes], bytes]) -> None:
    """A body of some kilobytes that would become 200 MB is given up at the limit."""
    bomb = compress(b"\x00" * 200_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(BodyRefused, match="larger than 1000000 bytes"):
            decompress(bomb, encoding, limit=1_000_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 12_000_000


def test_a_large_body_is_read_to_its_end_before_the_refusal() -> None:
    """A client that is still sending would never see the answer; one that does not end is cut off."""
    with pytest.raises(BodyRefused) as refused:
        read(*[b"x" * 1_000] * 15)
    assert refused.value.code == "request_too_large"
    with pytest.raises(BodyRefused):
        read(*[b"x" * 1_000] * 50, complete=False)


def test_no_room_for_another_body() -> None:
    """What is being read by all requests together is bounded, and given back."""
    buffers = Buffers(1_500)
    with pytest.raises(BodyRefused) as refused:
        read(b"x" * 1_000, b"x" * 1_000, buffers=buffers, complete=False)
    assert (refused.value.status, refused.value.retry_after_s) == (429, 1)
    assert buffers.used == 0
    assert read(b"x" * 500, b"x" * 500, buffers=buffers) == b"x" * 1_000
    assert buffers.used == 0


def test_a_client_that_leaves() -> None:
    """Half a request is no request."""
    with pytest.raises(ClientGone):
        read()
    with pytest.raises(ClientGone):
        read(b"{", complete=False)


@given(
    st.binary(max_size=300),
    st.sampled_from([b"gzip", b"deflate", b"zstd", b"gzip, zstd", b"", b",", b"\xff"]),
)
def test_any_bytes_in_any_encoding(body: bytes, encoding: bytes) -> None:
    """There is an answer to everything: a body, or a refusal."""
    with contextlib.suppress(BodyRefused):
        assert len(decompress(body, encoding, limit=1_000)) <= 1_000
