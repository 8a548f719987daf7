"""Writes each event as one line of JSON to a logger of the standard library."""

import logging
import os
import threading
import time
from typing import Any

from trackside.emitted import DateTimeJSONEncoder, Unencodable, dumps
from trackside.telemetry import catalogue

LOG = logging.getLogger("trackside.backends.logger")
MAX_EVENT_SIZE = 1024


class LoggerBackend:
    """Logs every event as one line of JSON, in the form that `json.dumps` gives it.

    An event longer than `max_event_size` characters (None: there is no limit) is not logged; it is counted as
    `oversize`. One that has no JSON is counted as `unencodable`.
    """

    mutates = False

    def __init__(
        self, name: str | None = None, max_event_size: int | None = MAX_EVENT_SIZE, level: str = "info"
    ) -> None:
        """Log to the logger `name` (None: the root logger) at `level`; AttributeError where it has no such level."""
        self.max_event_size = max_event_size
        self.event_logger = logging.getLogger(name)
        self.log = getattr(self.event_logger, level.lower())
        self._record = _EventRecords(self.event_logger, level.upper()) if _is_usual(self.log, level) else None

    def send(self, event: Any) -> None:
        """Log `event`, unless it is too long. Raises Unencodable, which is a TypeError, where it has no JSON."""
        try:
            line = dumps(event)
        except Unencodable:
            catalogue.EMITTED_DROPPED.add(1, "unencodable")
            raise
        if self.max_event_size is None or len(line) <= self.max_event_size:
            self._write(line)
        else:
            catalogue.EMITTED_DROPPED.add(1, "oversize")
            LOG.warning(
                "An event is too long to be logged",
                extra={"event_name": str(event.get("name"))[:255], "length": len(line)},
            )

    def _write(self, line: str) -> None:
        if self._record is None or not _makes_usual_records():
            self.log(line)
        elif self.event_logger.isEnabledFor(self._record.levelno):
            self.event_logger.handle(self._record.of(line))


class _EventRecords:
    """Makes log records for lines in a third of the usual time: this file is where all of them come from."""

    def __init__(self, logger: logging.Logger, level: str) -> None:
        self.levelno: int = getattr(logging, level)
        code = LoggerBackend.send.__code__
        usual = logging.LogRecord(
            logger.name, self.levelno, code.co_filename, code.co_firstlineno, "", None, None, code.co_name
        )
        self._fields = vars(usual) | {"args": ()}
        self._started_s = usual.created - usual.relativeCreated / 1000

    def of(self, line: str) -> logging.LogRecord:
        """Return the record of a line logged now, by this thread."""
        now_s = time.time()
        thread = threading.current_thread()
        fields = self._fields.copy()
        fields["msg"] = line
        fields["created"] = now_s
        fields["msecs"] = float(int(now_s % 1 * 1000))
        fields["relativeCreated"] = (now_s - self._started_s) * 1000
        fields["thread"] = thread.ident
        fields["threadName"] = thread.name
        fields["process"] = os.getpid()
        record = logging.LogRecord.__new__(logging.LogRecord)
        record.__dict__ = fields
        return record


_MAKE_RECORD = logging.Logger.makeRecord


def _is_usual(log: Any, level: str) -> bool:
    """Return whether `log` is the method of the standard library, not of a derived class or a test's."""
    return getattr(log, "__func__", None) is getattr(logging.Logger, level.lower())


def _makes_usual_records() -> bool:
    """Return whether nobody adds to log records what ours would not have."""
    return logging.Logger.makeRecord is _MAKE_RECORD and logging.getLogRecordFactory() is logging.LogRecord


__all__ = ["DateTimeJSONEncoder", "LoggerBackend"]
