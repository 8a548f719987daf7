"""The note a tracking log leaves with its position: which file, and how far it is written."""

from pathlib import Path
from zlib import crc32

import msgspec
from msgspec import Struct

from trackside.destinations.tracking_log.line import FORMAT

TAIL_BYTES = 64
"""So many bytes before the offset are compared, too: inode numbers are used again, files cut grow again."""


class Checkpoint(Struct, frozen=True, kw_only=True):
    """Up to `offset`, the file with this identity holds what was delivered, and nothing else may be lost."""

    device: int
    inode: int
    offset: int
    tail: int
    """CRC-32 of the bytes before `offset`, `TAIL_BYTES` at most."""
    format: int = FORMAT

    def encode(self) -> str:
        """Return the note as text."""
        return msgspec.json.encode(self).decode()

    def fits(self, path: Path) -> bool:
        """Return whether the file at `path` is still the one this note speaks of, at least that long."""
        with path.open("rb") as file:
            file.seek(max(0, self.offset - TAIL_BYTES))
            before = file.read(min(self.offset, TAIL_BYTES))
        return len(before) == min(self.offset, TAIL_BYTES) and crc32(before) == self.tail


def decode_checkpoint(text: str | None) -> Checkpoint | None:
    """Return the note in `text`, or None where there is none that can be read."""
    try:
        return None if text is None else msgspec.json.decode(text, type=Checkpoint)
    except msgspec.MsgspecError:
        return None
