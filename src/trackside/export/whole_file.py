"""A file that is seen whole or not at all."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from trackside.destinations.files.layout import secure_names

_MODE = 0o640
"""What is exported may be about people: not for everybody on the machine."""


@contextlib.contextmanager
def whole_file(path: Path, *, replace: bool) -> Iterator[IO[bytes]]:
    """Open a file that readers see as `path` once the block has ended well, synced; otherwise nothing is left.

    It grows under a hidden name in the same folder. Raises OSError, FileExistsError where there is a file of that
    name in the end and `replace` does not say that it may go.
    """
    target = Path(os.path.realpath(path))
    hidden = target.with_name(f".trackside-export-{secrets.token_hex(8)}")
    try:  # a signal may come as soon as the file is there
        fd = os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
        with os.fdopen(fd, "wb", buffering=0) as file:
            yield file
            os.fsync(fd)
        if replace:
            hidden.replace(target)
        else:
            _name(hidden, target)
        secure_names(target.parent)
    finally:
        hidden.unlink(missing_ok=True)


def _name(hidden: Path, target: Path) -> None:
    """Give the file its name, unless another has it."""
    try:
        target.hardlink_to(hidden)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if target.exists():
            raise FileExistsError(target) from None
        hidden.rename(target)
