"""Where the bytes of an export go, counted."""

from typing import IO


class Sink:
    """A file or a pipe as libraries want files that are only written to; it never closes what is behind it."""

    closed = False

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._is_given_up = False
        self.size_bytes = 0
        """So many bytes were written."""

    def write(self, data: "bytes | memoryview", /) -> int:
        """Write all of it, whatever the operating system takes at once. Raises OSError."""
        view = memoryview(data).cast("B")
        written = len(view) if self._is_given_up else 0
        while written < len(view):
            written += self._file.write(view[written:])
        self.size_bytes += written
        return written

    def tell(self) -> int:
        """Return how much was written."""
        return self.size_bytes

    def flush(self) -> None:
        """Hand on what is still in memory. Raises OSError."""
        if not self._is_given_up:
            self._file.flush()

    def close(self) -> None:
        """Do nothing: whoever opened the file closes it."""

    def readable(self) -> bool:
        """Return that nothing is read."""
        return False

    def writable(self) -> bool:
        """Return that it is written to."""
        return True

    def seekable(self) -> bool:
        """Return that it only grows."""
        return False

    def give_up(self) -> None:
        """Pass over all that comes: what a library still writes while it is cleared away is of no use."""
        self._is_given_up = True
