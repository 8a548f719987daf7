"""A ring of records in a file that is memory: what is put into it is there after a kill -9, without a system call.

The kernel keeps what was written into the shared pages of a file, whatever becomes of the process. Only a power cut
takes it away, which is no loss here: nothing is synced.
"""

import fcntl
import logging
import mmap
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from struct import Struct as Format
from typing import Final
from uuid import uuid4

logger = logging.getLogger(__name__)

RING_BYTES: Final = 8_388_608
SUFFIX: Final = ".journal"
_MAGIC: Final = int.from_bytes(b"TrAtJrn1", "little")
_MAGIC_AT, _TAIL, _HEAD = 0, 1, 2
"""Numbers of the words in front of the ring."""
_FRONT_BYTES: Final = 64
_LENGTH: Final = Format("<I")
_LENGTH_BYTES: Final = 4
_SKIP: Final = 0xFFFFFFFF


class Journal:
    """Records in the order they were added; where each is, is an offset that only grows.

    Anybody adds; one thread reads and releases.
    """

    def __init__(
        self, memory: mmap.mmap, *, name: str, lock: int | None = None, path: Path | None = None
    ) -> None:
        self.name = name
        self.path = path
        self._descriptor = lock
        self._memory = memory
        self._view = memoryview(memory)
        # whole words: a number that is half written when the process is killed would be another number
        self._words = self._view[:_FRONT_BYTES].cast("Q")
        self._ring = self._view[_FRONT_BYTES:]
        self.size = len(self._ring)
        self._adding = threading.Lock()

    @classmethod
    def create(cls, directory: Path, size: int = RING_BYTES) -> "Journal":
        """Return a new journal in `directory`, in this process's memory alone where the disk has no room for it."""
        name = f"attempts-{os.getpid()}-{uuid4().hex[:8]}"
        path = directory / (name + SUFFIX)
        try:
            descriptor, memory = _new_file(path, _FRONT_BYTES + size)
        except OSError as error:
            logger.warning("attempts under way would not survive a kill: %s", error)
            made = cls(mmap.mmap(-1, _FRONT_BYTES + size), name=name)
        else:
            made = cls(memory, name=name, lock=descriptor, path=path)
        made._words[_MAGIC_AT] = _MAGIC
        return made

    @classmethod
    def of_dead(cls, path: Path) -> "Journal | None":
        """Return the journal of a process that is no more; None for that of a living one, or where there is none."""
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            length = os.fstat(descriptor).st_size
            if length > _FRONT_BYTES and path.exists():
                return cls(mmap.mmap(descriptor, length), name=path.stem, lock=descriptor, path=path)
        except BlockingIOError:
            pass
        os.close(descriptor)
        return None

    @property
    def head(self) -> int:
        """Where the next record goes."""
        return self._words[_HEAD]

    @property
    def tail(self) -> int:
        """Where the first record is that is held."""
        return self._words[_TAIL]

    @property
    def used(self) -> int:
        """How many bytes are taken."""
        return self._words[_HEAD] - self._words[_TAIL]

    def add(self, record: bytes, *, spare: int = 0) -> bool:
        """Add a record where then at least `spare` bytes stay free, else return False."""
        return self._put(_LENGTH.pack(len(record)) + record, spare)

    def add_all(self, records: Sequence[bytes], *, spare: int) -> bool:
        """Add all records where they have room in one piece, else none and return False."""
        pack = _LENGTH.pack
        return self._put(
            b"".join([part for record in records for part in (pack(len(record)), record)]), spare
        )

    def _put(self, framed: bytes, spare: int) -> bool:
        needed = len(framed)
        words, size = self._words, self.size
        with self._adding:
            head = words[_HEAD]
            at = head % size
            skipped = size - at if size - at < needed else 0
            if head + skipped + needed + spare - words[_TAIL] > size:
                return False
            if skipped:
                if skipped >= _LENGTH_BYTES:
                    _LENGTH.pack_into(self._ring, at, _SKIP)
                head, at = head + skipped, 0
            self._ring[at : at + needed] = framed
            words[_HEAD] = head + needed  # last: up to here it counts
        return True

    def records(self, start: int, until: int) -> Iterator[tuple[int, bytes]]:
        """Return each record from `start` up to `until` with where it is, as far as they make sense."""
        while start < until:
            place = start % self.size
            until_here = min(until, start + self.size - place)
            span = bytes(self._ring[place : place + until_here - start])  # at once: each slice has its price
            at = 0
            while at + _LENGTH_BYTES <= len(span):
                (length,) = _LENGTH.unpack_from(span, at)
                if length == _SKIP:
                    break
                end = at + _LENGTH_BYTES + length
                if end > len(span):
                    return  # a power cut left only part of the pages
                yield start + at, span[at + _LENGTH_BYTES : end]
                at = end
            start = until_here

    @property
    def is_whole(self) -> bool:
        """Whether it was begun at all."""
        tail, head = self._words[_TAIL], self._words[_HEAD]
        return self._words[_MAGIC_AT] == _MAGIC and tail <= head <= tail + self.size

    def release(self, until: int) -> None:
        """Give back the room of everything before `until`."""
        self._words[_TAIL] = until

    def close(self, *, remove: bool) -> None:
        """Let go of the memory, and remove the file where its content is kept elsewhere."""
        if remove and self.path is not None:
            self.path.unlink(missing_ok=True)
        self._words.release()
        self._ring.release()
        self._view.release()
        self._memory.close()
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def dead_journals(directory: Path) -> Iterator[Journal]:
    """Return the journals of processes that are no more."""
    for path in sorted(directory.glob(f"attempts-*{SUFFIX}")):
        journal = Journal.of_dead(path)
        if journal is not None:
            yield journal


def _new_file(path: Path, size: int) -> tuple[int, mmap.mmap]:
    """Return descriptor and memory of a new file with all its blocks, locked before anybody else can see it.

    Memory of a file whose blocks the disk has no room for any more would kill the process that writes into it.
    """
    new = path.with_suffix(".new")
    descriptor = os.open(new, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(descriptor, 0, size)
        else:  # macOS
            os.pwrite(descriptor, bytes(size), 0)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        memory = mmap.mmap(descriptor, size)
        new.rename(path)
    except BaseException:
        os.close(descriptor)
        with suppress(OSError):
            new.unlink()
        raise
    return descriptor, memory
