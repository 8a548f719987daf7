"""The default backend: every event goes to the log."""

import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic, time
from typing import Any

import msgspec

from trackside.backends.handover import QUEUE_BYTES
from trackside.backends.log.entry import OVERHEAD_BYTES, RejectEntry, whole_entry
from trackside.backends.log.fast_json import (
    UNUSUAL,
    encode,
    encode_lines,
    encode_quickly,
    has_time,
    join_lines,
    lines_with_times,
)
from trackside.backends.log.waiter import Lost, Waiter
from trackside.backends.log.writer import LogWriter, OpenLog
from trackside.config.settings import LogSettings
from trackside.emitted import (
    Unencodable,
    UnwrittenEvent,
    WrittenEvent,
    also_now,
    also_written,
    commit_waiters,
    encode_json,
)
from trackside.emitted.identity import event_id
from trackside.errors import ConfigurationError
from trackside.event import Reject
from trackside.log.base import Log

MAX_EVENT_BYTES = 1_048_576

_writers: dict[tuple[str, str], LogWriter] = {}
_writers_lock = threading.Lock()
_NOW = object()
_SIMPLE = frozenset({int, str, type(None)})


class LogBackend:
    """Sends every event to the log of one data directory, durable within about 10 ms.

    `send` encodes the event and hands the bytes to the process's writer; it waits for no disk. Nothing is opened
    and no thread started before the first event. Several processes may share the directory, a server's too.
    What cannot be written (a full disk) is kept, up to `queue_bytes`, and written later; beyond that events are
    lost, counted under `trackside_backend_dropped_total` and told in the application's own log.
    """

    mutates = False

    def __init__(
        self,
        data_dir: str | Path | None = None,
        *,
        source: str = "tracker",
        max_event_bytes: int | None = MAX_EVENT_BYTES,
        queue_bytes: int = QUEUE_BYTES,
        settings: LogSettings | Mapping[str, Any] | None = None,
        log: Log | None = None,
    ) -> None:
        """`data_dir` is, by default, TRACKSIDE_DATA_DIR or `data`. `settings` are those of `[log]`.

        `log` is a log that is open already, to be used instead of the one in `data_dir`. Raises ConfigurationError.
        """
        self._limit_bytes = max_event_bytes or queue_bytes
        self.data_dir = Path(data_dir or os.environ.get("TRACKSIDE_DATA_DIR") or "data")
        kept = _log_settings(settings)
        self._writer = (
            LogWriter(lambda: log, source=source, queue_bytes=queue_bytes)
            if log is not None
            else _writer(self.data_dir, source, kept, queue_bytes)
        )
        self._handover = self._writer.handover
        self._put: Callable[[Any], bool] = self._handover.put

    @property
    def log(self) -> Log:
        """The log itself, opened where it was not yet. Raises StorageError."""
        return self._writer.log()

    @also_now
    @also_written
    def send(self, event: Mapping[str, Any]) -> None:
        """Hand the event over; what was not handed over is counted. Never raises for what an event holds."""
        try:
            name, timestamp, data, context = (
                event["name"],
                event["timestamp"],
                event["data"],
                event["context"],
            )
        except (KeyError, TypeError):
            self._send_carefully(event)
            return
        if (
            "extra" in event
            or "user_id" in event
            or type(timestamp) is float
            or not self.send_now(name, data, context, timestamp)
        ):
            self._send_carefully(event)

    def send_now(self, name: Any, data: Any, context: dict[str, Any], timestamp: Any = _NOW) -> bool:
        """Hand an event of these parts over; return False, with nothing done, where anything in it is unusual."""
        if (
            type(name) is not str
            or type(data) is not dict
            or type(context) is not dict
            or commit_waiters() is not None
        ):
            return False
        try:
            lines = encode_lines([data, context])
            if (found := has_time(lines)) is not None:
                lines = lines_with_times(lines, data, context, found)
        except (Unencodable, *UNUSUAL):
            return False
        size, user_id = len(lines) + OVERHEAD_BYTES, context.get("user_id")
        if size > self._limit_bytes or type(user_id) not in _SIMPLE:
            return False
        moment = time() if timestamp is _NOW else timestamp
        self._put((size, name, moment, lines, user_id, event_id(), None, b""))
        return True

    def send_written(self, event: WrittenEvent | UnwrittenEvent) -> bool:
        """Hand over an event whose data is JSON, or will be; return False, with nothing done, for anything unusual."""
        if commit_waiters() is not None:
            return False
        entry: Any
        if isinstance(event, WrittenEvent):
            try:
                entry = whole_entry(event)
            except Unencodable:
                return False
        else:  # the thread writes it
            entry = event.size_bytes + OVERHEAD_BYTES, event
        if entry[0] > self._limit_bytes:
            return False
        self._put(entry)
        return True

    def keep_reject(self, reject: Reject) -> None:
        """Have the log keep, for a while, input that did not become an event. Never raises, waits for nothing.

        Rejects are kept as far as there is room: what a full disk leaves no room for is counted and forgotten.
        """
        self._writer.rejects.put(RejectEntry(len(reject.body) + OVERHEAD_BYTES, reject))

    def flush(self, timeout_s: float = 5.0) -> bool:
        """Return True once every event sent before, and every reject, is durable; False after the timeout."""
        deadline = monotonic() + timeout_s
        return self._handover.flush(timeout_s) and self._writer.rejects.flush(deadline - monotonic())

    def _send_carefully(self, event: Mapping[str, Any]) -> None:
        """Send what has something unusual, or is waited for, as far as it is an event."""
        try:
            context = event.get("context") or {}
            lines = join_lines(encode_quickly(event.get("data") or {}), encode_quickly(context))
            extra = _members(event.get("extra"))
        except (Unencodable, AttributeError, TypeError, ValueError) as error:
            self._lose("unencodable", f"an event has no JSON: {error}")
            return
        size = len(lines) + len(extra) + OVERHEAD_BYTES
        if size > self._limit_bytes:
            self._lose("oversize", f"an event has {size} bytes, want at most {self._limit_bytes}")
            return
        user_id = _text(_user_id(event, context))
        name = _text(event.get("name")) or "unknown"
        timestamp = event.get("timestamp")
        if type(timestamp) is float:
            timestamp = None  # nobody knows of what it would be the number
        waiters = commit_waiters()
        waiter = None if waiters is None else Waiter()
        taken = self._put((size, name, timestamp, lines, user_id, event_id(), waiter, extra))
        if waiter is None or waiters is None:
            return
        waiters.append(waiter)
        if taken:
            self._handover.hurry()
        else:
            waiter.tell(durable=False)

    def _lose(self, reason: str, explanation: str) -> None:
        self._handover.losses.add(1, reason, explanation)
        waiters = commit_waiters()
        if waiters is not None:
            waiters.append(Lost())


def _user_id(event: Mapping[str, Any], context: object) -> object:
    if "user_id" in event:
        return event["user_id"]
    return context.get("user_id") if isinstance(context, Mapping) else None


def _members(extra: object) -> bytes:
    """Return the members of an object of JSON's own types, with a comma before each. Raises Unencodable."""
    if not extra or not isinstance(extra, Mapping):
        return b""
    try:
        encoded = encode(extra)
    except UNUSUAL:
        encoded = encode_json(extra)
    return b"," + encoded[1:-1]


def _text(value: object) -> str | None:
    if value is None:
        return None
    try:
        return str(value)
    except Exception as error:  # noqa: BLE001  # an application's object that cannot say what it is
        return f"<{type(value).__name__}: {type(error).__name__}>"


def _writer(data_dir: Path, source: str, settings: LogSettings, queue_bytes: int) -> LogWriter:
    """Return the process's writer for this directory, the same for all backends that emit to it."""
    key = (str(data_dir.absolute()), source)
    with _writers_lock:
        if key not in _writers:
            _writers[key] = LogWriter(
                _opener(data_dir.absolute(), settings), source=source, queue_bytes=queue_bytes
            )
        return _writers[key]


def _opener(data_dir: Path, settings: LogSettings) -> OpenLog:
    def open_log() -> Log:
        from trackside.log.sqlite import SQLiteLog  # with its threads and locks: not before it is needed

        return SQLiteLog(data_dir, settings)

    return open_log


def _log_settings(settings: LogSettings | Mapping[str, Any] | None) -> LogSettings:
    if isinstance(settings, LogSettings):
        return settings
    try:
        return msgspec.convert(dict(settings or {}), LogSettings)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"the log backend's settings are wrong: {error}") from None
