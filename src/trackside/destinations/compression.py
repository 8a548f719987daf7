"""How files are compressed."""

import gzip
from contextlib import AbstractContextManager, nullcontext
from typing import IO, Literal, Protocol

import zstandard

Compression = Literal["none", "gzip", "zstd"]


class Stream(Protocol):
    """What takes bytes."""

    def write(self, data: bytes, /) -> object:
        """Take all of them. Raises OSError."""


def compressed(
    file: IO[bytes], compression: Compression, *, size_bytes: int = -1
) -> AbstractContextManager[Stream]:
    """Open a stream that is compressed into `file`, which stays open. `size_bytes`: all it will take, if known."""
    match compression:
        case "none":
            return nullcontext(file)
        case "gzip":
            return gzip.GzipFile("", "wb", 6, file, mtime=0)
        case "zstd":
            compressor = zstandard.ZstdCompressor(level=3, write_content_size=True, write_checksum=True)
            return compressor.stream_writer(file, size=size_bytes, closefd=False)
