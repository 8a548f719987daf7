"""After a crash: what is in the files already although nobody noted it.

Lines behind the last note were sent and not acknowledged, so their events come again. The same event always
gives the same line: what is found here is not written a second time, and a program that reads along never
sees it twice. Events may come again in another order than they were written (a replay beside live traffic),
so lines are looked up, not compared one after the other.
"""

import logging
import os
from pathlib import Path
from stat import S_ISREG

from trackside.destinations.tracking_log.checkpoint import Checkpoint
from trackside.destinations.tracking_log.line import FORMAT
from trackside.destinations.written import Written

logger = logging.getLogger(__name__)

_COMPRESSED = (".gz", ".bz2", ".xz", ".zst", ".lz4", ".zip")
_BEGINNING = b'{"name":'
_LARGEST_BYTES = 1 << 30
"""A file larger than this was not written since the last note."""


def recover(path: Path, note: Checkpoint | None) -> Written:
    """Return what was written behind `note`, at `path` or wherever that file was moved to within its folder.

    A torn last line is cut off, and everything from the first zero byte on, which a power cut leaves. Raises
    OSError.
    """
    written = Written()
    if note is None:
        return written
    noted = _find(path, note)
    later = _later_files(path, noted, note)
    if noted is None:
        logger.warning(
            "the file of the tracking log's last position is gone: its last lines may be written again",
            extra={"path": str(path)},
        )
    elif note.fits(noted):
        if note.format != FORMAT:
            os.truncate(noted, note.offset)
        _collect(noted, note.offset, written)
    for begun_since in later:
        _collect(begun_since, 0, written)
    return written


def _find(path: Path, note: Checkpoint) -> Path | None:
    for candidate, found in _family(path):
        if (found.st_dev, found.st_ino) == (note.device, note.inode):
            return candidate
    return None


def _later_files(path: Path, noted: Path | None, note: Checkpoint) -> list[Path]:
    """Return the files begun since the note: all in them was written behind it."""
    if noted is None:
        return [path] if path.exists() else []
    fits = note.fits(noted)
    if noted == path:
        return [] if fits else [path]  # emptied in place: begun anew under its own inode
    since_ns = noted.stat().st_mtime_ns
    later = [
        candidate
        for candidate, found in _family(path)
        if candidate == path or (found.st_mtime_ns >= since_ns and found.st_size <= _LARGEST_BYTES)
    ]
    return later if not fits else [candidate for candidate in later if candidate != noted]


def _family(path: Path) -> list[tuple[Path, os.stat_result]]:
    """Return the file at `path` and those beside it that rotation may have made of it (`.1`, `-20261120`)."""
    family: list[tuple[Path, os.stat_result]] = []
    with os.scandir(path.parent) as entries:
        for entry in entries:
            if not entry.name.startswith(path.name) or entry.name.endswith(_COMPRESSED):
                continue
            try:
                found = entry.stat()
            except FileNotFoundError:  # moved on meanwhile
                continue
            if S_ISREG(found.st_mode):
                family.append((Path(entry.path), found))
    return sorted(family, key=lambda member: member[0])


def _collect(path: Path, offset: int, written: Written) -> None:
    good = offset
    with path.open("rb") as file:
        file.seek(offset)
        for line in file:
            if b"\0" in line or not line.endswith(b"\n"):
                break
            written.add(line[:-1])
            good += len(line)
        else:
            return
    # what is torn in a file we did not begin may be somebody else's
    if offset or line.startswith(_BEGINNING) or _BEGINNING.startswith(line):
        os.truncate(path, good)
