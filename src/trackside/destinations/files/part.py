"""One file, from its first line to the moment readers see it."""

import os
from collections.abc import Iterator
from pathlib import Path

from trackside.destinations.files.formats import Format
from trackside.destinations.files.layout import final_path, journal_path, secure_names

_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
_MODE = 0o640


class Part:
    """The lines of a file that is being written, in a journal that readers do not look at."""

    def __init__(self, folder: Path, name: str, format_: Format, *, begun_at: float) -> None:
        """Make the journal, or open the one there is. Raises OSError."""
        self.name = name
        self.begun_at = begun_at
        """By the monotonic clock."""
        self._journal = journal_path(folder, name)
        self._final = final_path(folder, name)
        self._hidden = self._final.with_name(f".{self._final.name}.unfinished")
        self._format = format_
        self._fd: int | None = os.open(self._journal, _FLAGS, _MODE)
        self.size = os.fstat(self._fd).st_size
        """So many bytes are in it."""
        self.secured = 0
        """So many of them survive a power cut."""
        self.held_at: int | None = None
        """What a note says of it while events behind that come again after a crash; None: all of it."""
        self._is_torn = False

    @property
    def is_finished(self) -> bool:
        """Return whether readers see it, now or since before a crash."""
        return self._final.exists()

    def append(self, lines: bytes) -> None:
        """Add whole lines. Raises OSError, and the part may have some of them then: see `cut`."""
        assert self._fd is not None  # noqa: S101  # nothing is added to a part that was closed
        if self._is_torn:
            self.cut(self.size)
        self._is_torn = True
        written = 0
        while written < len(lines):
            written += os.write(self._fd, lines[written:] if written else lines)
        self.size += written
        self._is_torn = False

    def cut(self, size: int) -> None:
        """Take away what is behind `size` bytes. Raises OSError; it is done before the next line then."""
        self.size = size
        self.secured = min(self.secured, size)
        self._is_torn = True
        os.truncate(self._journal, size)
        self._is_torn = False

    def secure(self) -> None:
        """Make what is in the journal survive a power cut. Raises OSError."""
        if self._fd is not None and self.secured < self.size:
            os.fsync(self._fd)
            if not self.secured:
                secure_names(self._journal.parent)
            self.secured = self.size

    def finish(self) -> None:
        """Let readers see the file, whole and all at once. Raises OSError.

        The journal stays: after a crash it tells which events are in the file although nobody noted it.
        """
        if self._is_torn:
            self.cut(self.size)
        self.secure()
        self._final.parent.mkdir(exist_ok=True)
        try:
            self._format.finish(self._journal, self._hidden)
            _secure(self._hidden)
            self._hidden.replace(self._final)
        finally:
            self._hidden.unlink(missing_ok=True)
        secure_names(self._final.parent)
        secure_names(self._final.parent.parent)
        self.close()

    def lines_behind(self, offset: int) -> Iterator[bytes]:
        """Yield the whole lines behind `offset`, without their ends. Raises OSError."""
        with self._journal.open("rb") as file:
            file.seek(offset)
            for line in file:
                if line.endswith(b"\n"):
                    yield line[:-1]

    def forget(self) -> None:
        """Remove the journal. Raises OSError."""
        self.close()
        self._hidden.unlink(missing_ok=True)
        self._journal.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the journal; it stays."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)


def _secure(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fchmod(fd, _MODE)
        os.fsync(fd)
    finally:
        os.close(fd)
