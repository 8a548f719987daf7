"""Whether a SQLite file was written since it was read, without opening it."""

from pathlib import Path
from typing import Final

SETTLED_NS: Final = 2_000_000_000
"""A file written less than this ago may be written again without another time, where clocks are coarse."""
_COMPANIONS: Final = ("", "-wal", "-journal")
"""Every transaction of whatever process ends in one of these."""

Trace = tuple[tuple[int, int, int, int] | None, ...]
"""What the file system says of a database and its companions: inode, size and times of each, None where it is not."""


def trace_of(path: Path, *, now_ns: int) -> Trace | None:
    """Return the trace of a database at rest; None where it was written a moment ago, or cannot be looked at.

    `now_ns` is the time since 1970. Take a trace before you read: as long as a later one is equal to it nobody has
    written anything since. A connection of its own to find that out makes two files in WAL mode, and removes them.
    """
    newest = 0
    found: list[tuple[int, int, int, int] | None] = []
    for suffix in _COMPANIONS:
        try:
            seen = path.with_name(path.name + suffix).stat()
        except FileNotFoundError:
            found.append(None)
            continue
        except OSError:
            return None
        newest = max(newest, seen.st_mtime_ns, seen.st_ctime_ns)
        found.append((seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns))
    if found[0] is None or newest > now_ns - SETTLED_NS:
        return None
    return tuple(found)
