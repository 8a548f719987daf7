"""A file that lines are appended to, whoever moves, cuts or removes it meanwhile."""

import contextlib
import os
from pathlib import Path
from zlib import crc32

from trackside.destinations.tracking_log.checkpoint import TAIL_BYTES, Checkpoint

_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
_MODE = 0o640
CACHED_BYTES = 16_777_216
"""So much of the end stays in the system's cache, for programs that read along; what is on disk before it does
not: written once and read by nobody, it would only take the memory of the database."""


class LineFile:
    """Appends whole lines. Before each write it looks whether the file is still the one at its path.

    Moved or removed: a new one is begun. Emptied in place (copytruncate): it goes on at the new end. About to
    grow beyond `max_bytes` (0: never): renamed to `.1`, and `.1` to `.2`, up to `backups`.
    """

    def __init__(self, path: Path, *, max_bytes: int = 0, backups: int = 5, fsync: bool = True) -> None:
        self.path = path
        self._max_bytes = max_bytes
        self._backups = backups
        self._fsync = fsync
        self._fd: int | None = None
        self._identity = (0, 0)
        self._size = 0
        self._secured = 0
        self._uncached = 0
        self._tail = b""
        self._torn = False
        self._cut_off: OSError | None = None
        """Set where lines that were told as appended had to be cut off again."""

    def open(self) -> None:
        """Open the file, or make it. Raises OSError."""
        self._fd = fd = os.open(self.path, _FLAGS, _MODE)
        found = os.fstat(fd)
        self._identity = (found.st_dev, found.st_ino)
        self._torn = False
        self._cut_off = None
        self._go_to(found.st_size)
        if self._tail and not self._tail.endswith(b"\n"):
            os.write(fd, b"\n")  # somebody else's unfinished line: ours must not become its end
            self._go_to(self._size + 1)
        if found.st_size == 0 and self._fsync:
            self._secure_name()

    def _secure_name(self) -> None:
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _go_to(self, size: int) -> None:
        assert self._fd is not None  # noqa: S101  # only called while open
        self._size = self._secured = size
        self._uncached = min(self._uncached, size)
        self._tail = os.pread(self._fd, TAIL_BYTES, max(0, size - TAIL_BYTES))

    def append(self, lines: bytes) -> tuple[int, OSError | None]:
        """Return how many bytes of `lines` are in the file: all, or whole lines up to where an error came."""
        done = 0
        try:
            self._follow()
            while done < len(lines):
                end = self._end_of_room(lines, done)
                if end == done:
                    self._rotate()
                    continue
                done += self._write(memoryview(lines)[done:end])
        except _Partly as partly:
            return done + partly.bytes_kept, partly.error
        except OSError as error:
            return done, error
        return done, None

    def _follow(self) -> None:
        if self._fd is None:
            self.open()
            return
        if self._cut_off is not None:
            raise self._cut_off
        if self._torn:
            os.ftruncate(self._fd, self._size)
            self._torn = False
        try:
            found = self.path.stat()
        except FileNotFoundError:
            self._begin_anew()
            return
        if (found.st_dev, found.st_ino) != self._identity:
            self._begin_anew()
        elif found.st_size != self._size:
            self._go_to(found.st_size)

    def _begin_anew(self) -> None:
        self.secure()
        self.close()
        self.open()

    def _end_of_room(self, lines: bytes, start: int) -> int:
        if not self._max_bytes:
            return len(lines)
        room = self._max_bytes - self._size
        if len(lines) - start <= room:
            return len(lines)
        end = lines.rfind(b"\n", start, start + max(0, room)) + 1
        if end > start or self._size:
            return max(end, start)
        return lines.index(b"\n", start) + 1  # one line larger than a file may be gets a file of its own

    def _rotate(self) -> None:
        self.secure()
        self.close()
        for number in range(self._backups - 1, 0, -1):
            with contextlib.suppress(FileNotFoundError):
                self._backup(number).replace(self._backup(number + 1))
        self.path.replace(self._backup(1))
        self.open()

    def _backup(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")

    def _write(self, lines: memoryview) -> int:
        assert self._fd is not None  # noqa: S101  # `_follow` opened it
        written = 0
        try:
            while written < len(lines):
                written += os.write(self._fd, lines[written:])
        except OSError as error:
            kept = bytes(lines[:written]).rfind(b"\n") + 1
            self._note(lines[:kept])
            self._torn = kept != written
            with contextlib.suppress(OSError):  # tried again before the next write
                self._cut()
            raise _Partly(kept, error) from error
        self._note(lines)
        return written

    def _note(self, lines: memoryview) -> None:
        self._size += len(lines)
        self._tail = (self._tail + bytes(lines[-TAIL_BYTES:]))[-TAIL_BYTES:]

    def _cut(self) -> None:
        if self._torn and self._fd is not None:
            os.ftruncate(self._fd, self._size)
            self._torn = False

    def secure(self) -> None:
        """Make what was appended survive a power cut. Raises OSError; then it is cut off again.

        After a failed fsync the system may hold pages for clean that never reached the disk: only writing
        them again is safe. So this raises until the file is opened again, by whoever sends again from the note.
        """
        if self._fd is None:
            return
        if self._cut_off is not None:
            raise self._cut_off
        self._cut()
        if self._fsync and self._secured != self._size:
            try:
                os.fsync(self._fd)
                self._uncache()
            except OSError as error:
                self._cut_off = error
                os.ftruncate(self._fd, self._secured)
                self._go_to(self._secured)
                raise
        self._secured = self._size

    def _uncache(self) -> None:
        end = self._size - CACHED_BYTES
        if self._fd is None or end - self._uncached < CACHED_BYTES:
            return
        if hasattr(os, "posix_fadvise"):  # macOS has none
            os.posix_fadvise(self._fd, 0, end, os.POSIX_FADV_DONTNEED)
            self._uncached = end

    def checkpoint(self) -> Checkpoint | None:
        """Secure the file and return how far it is; None while it is not open. Raises OSError."""
        if self._fd is None:
            return None
        self.secure()
        found = os.fstat(self._fd)
        if found.st_size < self._size:  # emptied in place since the last write
            self._go_to(found.st_size)
        device, inode = self._identity
        return Checkpoint(device=device, inode=inode, offset=self._size, tail=crc32(self._tail))

    def close(self) -> None:
        """Release the file. A second call does nothing."""
        if self._fd is not None:
            fd, self._fd = self._fd, None
            os.close(fd)


class _Partly(Exception):  # noqa: N818  # never leaves this module
    def __init__(self, bytes_kept: int, error: OSError) -> None:
        super().__init__(bytes_kept, error)
        self.bytes_kept = bytes_kept
        self.error = error
