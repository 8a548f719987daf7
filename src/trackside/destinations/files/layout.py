"""Where files stand, and what they are called.

    events/date=2026-11-20/000000001234.parquet             finished: it never changes again
    events/.open/2026-11-20_000000001234.parquet.journal    its events while it is written, and until that is noted

A day is that of `received_at`, in UTC, so that a day's folder is complete soon after midnight: `timestamp` may be that
of a phone that was offline for a week. `date=` is what DuckDB, Spark and pyarrow read as a column. A journal has an end
to its name that readers do not look for: some of them look into hidden folders too. The number is the position in the
log of the file's first event.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

OPEN: Final = ".open"
_JOURNAL: Final = ".journal"
_NAME: Final = re.compile(r"(\d{4}-\d{2}-\d{2})_(\d{12,}(?:_\d+)?)(\.[a-z.]+)")


def journal_path(folder: Path, name: str) -> Path:
    """Return where the part called `name` is while it is written."""
    return folder / OPEN / (name + _JOURNAL)


def final_path(folder: Path, name: str) -> Path:
    """Return where readers find the part."""
    day, _, rest = name.partition("_")
    return folder / f"date={day}" / rest


def new_name(folder: Path, day: str, position: int, suffix: str) -> str:
    """Return a name that no part of this folder has, or had."""
    for number in range(1, 1_000_000):
        again = "" if number == 1 else f"_{number}"  # a replay: the same events once more
        name = f"{day}_{position:012d}{again}{suffix}"
        if not (final_path(folder, name).exists() or journal_path(folder, name).exists()):
            return name
    raise FileExistsError(f"{folder} has a million files of the position {position}")


def journals(folder: Path) -> Iterator[str]:
    """Return the names of all parts of which there is a journal, oldest first."""
    try:
        paths = sorted((folder / OPEN).iterdir())
    except FileNotFoundError:
        return
    for path in paths:
        name = path.name.removesuffix(_JOURNAL)
        if name != path.name and _NAME.fullmatch(name):
            yield name


def suffix_of(name: str) -> str:
    """Return `.jsonl.gz` of `2026-11-20_000000001234.jsonl.gz`."""
    found = _NAME.fullmatch(name)
    return found[3] if found else ""


def secure_names(folder: Path) -> None:
    """Make the names in `folder` survive a power cut."""
    fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
