"""One SQLite file: its connections, one writer at a time over all processes, nothing open across a fork."""

import fcntl
import os
import sqlite3
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from msgspec import Struct

from trackside.errors import StorageError
from trackside.sqlite.schema import Schema, create_or_verify

BUSY_TIMEOUT_S = 5.0
"""Only for locks of others than us (a backup, a shell): our own transactions queue at the lock file."""
CHECKPOINT_PAGES = 1_000
"""So much is folded back into the database by the commit that reaches it: 4 MB take some 5 ms.

A thread of its own for that was no better, measured at 100,000 events a second: its syncs hold up those of
the commits, and it has to take the lock in the end.
"""
WAL_BYTES = 67_108_864
"""Where a long read made the write-ahead log grow, it is cut back to this."""
IDLE_CONNECTIONS = 4
FORK_PATIENCE_S = 30.0

_databases: "weakref.WeakSet[Database]" = weakref.WeakSet()


class _Handle(Struct, frozen=True):
    connection: sqlite3.Connection
    lock: int
    """Descriptor of the lock file. Each connection has its own, so that threads queue like processes do."""
    patient: bool
    """Whether the connection waits for locks of others than us."""

    def close(self) -> None:
        with suppress(sqlite3.Error):
            self.connection.close()
        os.close(self.lock)


class Database:
    """A pool of connections to one file, made when it is missing, refused when it is not ours.

    Transactions that write queue at a lock file (all but `execute_alone`): the kernel serves its waiters in
    their order, where SQLite's own waiting polls and lets the unlucky starve. Connections are closed before a
    fork and opened again on both sides: SQLite's notion of its locks does not survive being copied.
    """

    def __init__(self, path: Path, schema: Schema, *, meta: dict[str, str | bytes]) -> None:
        self.path = path
        self._schema = schema
        self._wal_path = path.with_name(path.name + "-wal")
        self._lock_path = path.with_name(path.name + ".lock")
        self._closed = False
        self._changed: threading.Condition
        self._idle: list[_Handle]
        self._borrowed_count: int
        self._forking: bool
        self.begin_anew()
        self._prepare(meta)
        _databases.add(self)

    def _prepare(self, meta: dict[str, str | bytes]) -> None:
        try:
            with closing(_LockFile(self._lock_path)) as lock:
                fcntl.flock(lock.descriptor, fcntl.LOCK_EX)
                create_or_verify(self.path, self._schema, meta)
            with self.reading() as connection:
                found = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
                connection.execute("SELECT * FROM meta").fetchall()
        except (sqlite3.Error, OSError) as error:
            raise StorageError(explain(self.path, error)) from error
        wanted = {statement.split()[2] for statement in self._schema.tables}
        if missing := sorted(wanted - found):
            self.close()
            raise StorageError(
                f"{self.path} is damaged: it has no {', '.join(missing)}; restore it from a backup"
            )

    def meta(self) -> dict[str, str | bytes | int]:
        """Return what is noted in the table `meta`."""
        with self.reading() as connection:
            return dict(connection.execute("SELECT key, value FROM meta").fetchall())

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give a connection that sees one moment of the database."""
        with self._borrowed() as handle:
            handle.connection.execute("BEGIN")
            yield handle.connection
            handle.connection.execute("COMMIT")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Give a connection in a transaction that is kept at the end (see `Schema`), or rolled back by an exception."""
        with self._borrowed() as handle:
            fcntl.flock(handle.lock, fcntl.LOCK_EX)
            try:
                handle.connection.execute("BEGIN IMMEDIATE")
                yield handle.connection
                handle.connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    handle.connection.rollback()
                raise
            finally:
                fcntl.flock(handle.lock, fcntl.LOCK_UN)

    def execute_if_free(self, statement: str, parameters: Sequence[object]) -> int | None:
        """Do as `execute_alone`; None, with nothing done, where another writer is at work at this moment."""
        with self._borrowed(patient=False) as handle:
            try:
                return handle.connection.execute(statement, parameters).rowcount
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
                return None

    def execute_alone(self, statement: str, parameters: Sequence[object]) -> int:
        """Run one statement as a durable transaction of its own; return how many rows it changed.

        It does not queue at the lock file, so a process that shares the database with others who write uses
        `writing`. Here SQLite takes its lock, writes and syncs in one call that gives up the interpreter once:
        as separate statements, other threads would get in between at each of them.
        """
        with self._borrowed() as handle:
            return handle.connection.execute(statement, parameters).rowcount

    def size_bytes(self) -> int:
        """Return what the database and its companions take on disk."""
        total = 0
        for suffix in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                total += self.path.with_name(self.path.name + suffix).stat().st_blocks * 512
        return total

    def cut_wal(self) -> bool:
        """Fold the write-ahead log into the database and cut it to nothing; False while others read or write."""
        with self._borrowed(patient=False) as handle:
            busy, _, _ = handle.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return not busy

    def written_ns(self) -> int:
        """Return when the write-ahead log was last written, 0 where there is none: a look without a lock."""
        try:
            return self._wal_path.stat().st_mtime_ns
        except FileNotFoundError:
            return 0

    def close(self) -> None:
        """Close all connections once nobody uses them; a second call does nothing."""
        with self._changed:
            self._closed = True
            self._changed.wait_for(lambda: not self._borrowed_count, timeout=FORK_PATIENCE_S)
            idle, self._idle = self._idle, []
        for handle in idle:
            handle.close()

    @contextmanager
    def _borrowed(self, *, patient: bool = True) -> Iterator[_Handle]:
        with self._changed:
            while self._forking:
                self._changed.wait()
            if self._closed:
                raise StorageError(f"{self.path} is closed: the process is stopping")
            self._borrowed_count += 1
            handle = next((each for each in self._idle if each.patient is patient), None)
            if handle is not None:
                self._idle.remove(handle)
        keep = False
        try:
            if handle is None:
                handle = self._open(patient)
            yield handle
            keep = True
        except (sqlite3.Error, OSError) as error:
            raise StorageError(explain(self.path, error)) from error
        finally:
            # After any error the connection is not trusted again: the next one opens the file anew.
            with self._changed:
                self._borrowed_count -= 1
                if handle is not None and keep and self._wants_idle():
                    self._idle.append(handle)
                    handle = None
                self._changed.notify_all()
            if handle is not None:
                handle.close()

    def _wants_idle(self) -> bool:
        return len(self._idle) < IDLE_CONNECTIONS and not self._closed

    def _open(self, patient: bool) -> _Handle:
        lock = _LockFile(self._lock_path)
        try:
            connection = sqlite3.connect(
                f"file:{quote(str(self.path))}?mode=rw",
                uri=True,
                isolation_level=None,
                check_same_thread=False,
                timeout=BUSY_TIMEOUT_S if patient else 0.0,
            )
            try:
                connection.execute(f"PRAGMA synchronous = {self._schema.synchronous}")
                connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
                connection.execute(f"PRAGMA journal_size_limit = {WAL_BYTES}")
                connection.execute("PRAGMA trusted_schema = OFF")
                connection.execute("PRAGMA secure_delete = FAST")
            except BaseException:
                connection.close()
                raise
        except BaseException:
            lock.close()
            raise
        return _Handle(connection, lock.descriptor, patient)

    def quiesce(self) -> None:
        """Close every connection and lend none until `resume`: a fork is coming."""
        with self._changed:
            self._forking = True
            self._changed.wait_for(lambda: not self._borrowed_count, timeout=FORK_PATIENCE_S)
            idle, self._idle = self._idle, []
        for handle in idle:
            handle.close()

    def resume(self) -> None:
        """Lend connections again."""
        with self._changed:
            self._forking = False
            self._changed.notify_all()

    def begin_anew(self) -> None:
        """Start without connections, and with locks that no thread of a parent holds."""
        self._changed = threading.Condition()
        self._idle = []
        self._borrowed_count = 0
        self._forking = False


class _LockFile:
    def __init__(self, path: Path) -> None:
        self.descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)

    def close(self) -> None:
        os.close(self.descriptor)


def explain(path: Path, error: sqlite3.Error | OSError) -> str:
    """Return one sentence on what is wrong with the database and what to do about it."""
    if isinstance(error, OSError):
        return f"{path} cannot be used: {error.strerror or error}; check the data directory"
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith("SQLITE_FULL"):
        return f"the disk that holds {path} is full; free some space, service resumes by itself"
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return f"{path} is locked by another program; end its transaction"
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return f"{path} is damaged ({error}); restore it from a backup, or move it away to start anew"
    return f"{path} cannot be used: {error}; check the disk and the data directory"


def _before_fork() -> None:
    for database in list(_databases):
        database.quiesce()


def _after_fork_in_parent() -> None:
    for database in list(_databases):
        database.resume()


def _after_fork_in_child() -> None:
    for database in list(_databases):
        database.begin_anew()


os.register_at_fork(
    before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child
)
