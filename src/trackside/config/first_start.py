"""What a first start makes, so that one command is enough."""

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from trackside.config.toml_file import FILE_NAME
from trackside.errors import StorageError

SECRET_FILE = "secret_key"  # noqa: S105  # the file's name

_FILE = """\
# Written by the first start of Trackside; yours to change. A stop and a start apply what you changed.
# `trackside config` shows what is in effect, and where it comes from.

[sources.web]
kind = "segment"                # any Segment library that is given this server's address and this key
write_key = "{write_key}"

[destinations.tracking_log]
kind = "tracking_log"           # one standard edX tracking log line for each event
path = "tracking.log"           # relative to the data directory
"""


class FirstStart(Struct, frozen=True, kw_only=True):
    """What stands ready; `made` lists what was not there before."""

    made: tuple[Path, ...]
    secret_key: str
    """For Django's signing; the same at every start."""
    write_key: str | None
    """The key in the configuration file just written; None where none was written."""


def first_start(data_dir: Path, *, with_config: bool) -> FirstStart:
    """Make what is missing: the data directory (0700), its secret key and, if wanted, its configuration file.

    What exists is left as it is; two starts at once make one set. Raises StorageError where it cannot.
    """
    made: list[Path] = []
    write_key = None
    try:
        if not data_dir.is_dir():
            data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            made.append(data_dir)
        with _alone_in(data_dir):
            secret = data_dir / SECRET_FILE
            if not secret.exists():
                _write(secret, secrets.token_urlsafe(48) + "\n")
                made.append(secret)
            config = data_dir / FILE_NAME
            if with_config and not config.exists():
                write_key = secrets.token_urlsafe(24)
                _write(config, _FILE.format(write_key=write_key))
                made.append(config)
            return FirstStart(made=tuple(made), secret_key=_secret_in(secret), write_key=write_key)
    except OSError as error:
        raise StorageError(
            f"the data directory {data_dir} cannot be set up: {error.strerror} ({error.filename});"
            " make it writable or choose another with --data-dir"
        ) from None


def _secret_in(path: Path) -> str:
    secret = path.read_text("ascii", errors="replace").strip()
    if len(secret) < 32:
        raise StorageError(f"{path} holds no usable secret; remove the file and start again to get a new one")
    return secret


@contextlib.contextmanager
def _alone_in(directory: Path) -> Iterator[None]:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
        os.fsync(handle)
    finally:
        os.close(handle)


def _write(path: Path, content: str) -> None:
    """Make the file whole or not at all, for its owner's eyes only."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(handle, "w", encoding="ascii") as file:  # noqa: PTH123  # a descriptor, not a path
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
