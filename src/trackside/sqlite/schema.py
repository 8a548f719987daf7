"""What a database file looks like, and how it is told to be one of ours before it is touched."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from msgspec import Struct

from trackside.errors import StorageError

HEADER_BYTES = 100
MAGIC = b"SQLite format 3\0"


class Schema(Struct, frozen=True, kw_only=True):
    """One kind of database file."""

    what: str
    """What the file is, for messages."""
    application_id: int
    version: int
    page_size_bytes: int
    tables: tuple[str, ...]
    """Statements that make a new file."""
    synchronous: Literal["FULL", "NORMAL"] = "FULL"
    """FULL: a commit survives a power cut. NORMAL: a kill, but a power cut may take the last ones back."""
    upgrades: tuple[tuple[str, ...], ...] = ()
    """Statements that bring a file of version 1 to version 2, one of 2 to 3, and so on.

    They only add, with defaults: a process of the version before may have the file open meanwhile.
    """

    def __post_init__(self) -> None:
        """Raises ValueError where a version has no way to it."""
        if self.version != 1 + len(self.upgrades):
            raise ValueError(f"{self.what}: version {self.version} has {len(self.upgrades)} upgrades")


def create_or_verify(path: Path, schema: Schema, meta: dict[str, str | bytes]) -> None:
    """Leave a database of this schema at `path`, made with `meta` where there was none.

    The caller holds the file's lock. A new file appears whole or not at all; one of an older version is brought
    to this one, whole or not at all. Raises StorageError, with nothing modified, for a file that is not ours, is
    damaged or comes from a newer version.
    """
    if path.exists():
        if verify_header(path, schema) < schema.version:
            _upgrade(path, schema)
        return
    for companion in (path.with_name(path.name + "-wal"), path.with_name(path.name + "-journal")):
        if companion.exists():
            raise StorageError(
                f"{path} is missing but {companion.name} is there and holds part of its data; "
                f"restore {path.name}, or move {companion.name} away to start an empty {schema.what}"
            )
    _create(path, schema, meta)


def verify_header(path: Path, schema: Schema) -> int:
    """Return the version a file of this schema has. Raises StorageError for any other file, and OSError."""
    with path.open("rb") as file:
        header = file.read(HEADER_BYTES)
    if len(header) < HEADER_BYTES or not header.startswith(MAGIC):
        raise StorageError(
            f"{path} is not a SQLite database or its beginning is damaged; "
            f"restore it from a backup, or move it away to start an empty {schema.what}"
        )
    version = int.from_bytes(header[60:64], "big")
    application_id = int.from_bytes(header[68:72], "big")
    if application_id != schema.application_id:
        raise StorageError(
            f"{path} is a database of another program (application id {application_id:#x}); "
            f"choose another data directory, or move the file away"
        )
    _refuse_newer(path, schema, version)
    return version


def _refuse_newer(path: Path, schema: Schema, version: int) -> None:
    if version > schema.version:
        raise StorageError(
            f"{path} was written by a newer Trackside (schema {version}, this one knows {schema.version}); "
            f"install that version again, or choose another data directory"
        )


def _upgrade(path: Path, schema: Schema) -> None:
    """Bring the file to this version in one transaction; its state stays."""
    with closing(
        sqlite3.connect(f"file:{quote(str(path))}?mode=rw", uri=True, isolation_level=None)
    ) as connection:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN IMMEDIATE")
        # asked again: the file's head is older than what is still in the write-ahead log
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        _refuse_newer(path, schema, version)
        for statements in schema.upgrades[version - 1 :]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {schema.version}")
        connection.execute("COMMIT")
        # into the file's head, by which others tell the version; where somebody reads it comes later by itself
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _create(path: Path, schema: Schema, meta: dict[str, str | bytes]) -> None:
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    with closing(sqlite3.connect(new, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA page_size = {schema.page_size_bytes}")
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN")
        connection.execute(f"PRAGMA application_id = {schema.application_id}")
        connection.execute(f"PRAGMA user_version = {schema.version}")
        for statement in schema.tables:
            connection.execute(statement)
        connection.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = WAL")
    new.rename(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
