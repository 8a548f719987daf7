"""Writes lines through a logger of the standard library, with the result of `logger.info(line)` at less cost.

Most of what `info` does is to find out who called it, and to make a record that says so. Here all records come
from one place, and a handler that writes nothing but the message needs no record at all. Wherever a logger, a
handler or the library itself is not as it comes, the ordinary way is taken.
"""

import logging
import os
import threading
import time
from contextlib import nullcontext
from typing import TextIO, TypeGuard

_MESSAGE_ALONE = "%(message)s"
_MAKE_RECORD = logging.Logger.makeRecord
_HANDLE = logging.Logger.handle
_CALL_HANDLERS = logging.Logger.callHandlers
_EMIT = logging.StreamHandler.emit
_EMIT_TO_FILE = logging.FileHandler.emit

StreamHandler = logging.StreamHandler


class LineWriter:
    """Writes lines to one logger at one level, as often as it likes, from any thread."""

    def __init__(self, logger: logging.Logger, levelno: int) -> None:
        self._logger = logger
        self._levelno = levelno
        code = LineWriter.write.__code__
        usual = logging.LogRecord(
            logger.name, levelno, code.co_filename, code.co_firstlineno, "", None, None, code.co_name
        )
        self._fields = vars(usual) | {"args": ()}
        if "taskName" in self._fields:  # Python 3.12; the task that configures is not the one that logs
            self._fields["taskName"] = None
        self._started_s = usual.created - usual.relativeCreated / 1000

    def write(self, line: str) -> None:
        """Do what the logger's own method does with `line`."""
        logger = self._logger
        if not logger.isEnabledFor(self._levelno):
            return
        if not is_as_it_comes():
            logger.log(self._levelno, line)
            return
        handlers = _plain_handlers(logger)
        if handlers is None:
            logger.handle(self._record(line))
            return
        for handler in handlers:
            if self._levelno >= handler.level:
                self._write_to(handler, line)

    def _write_to(self, handler: "StreamHandler[TextIO]", line: str) -> None:
        with handler.lock or nullcontext():
            stream = handler.stream
            try:
                stream.write(line + handler.terminator)
                stream.flush()
            except RecursionError:
                raise
            except Exception:  # noqa: BLE001  # the handler decides, as it does in its own `emit`
                handler.handleError(self._record(line))

    def _record(self, line: str) -> logging.LogRecord:
        """Return the record of a line that this thread logs now."""
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


def is_as_it_comes() -> bool:
    """Return whether nobody has replaced what is between a logger and its handlers, to see or change records."""
    logger = logging.Logger
    return (
        logger.makeRecord is _MAKE_RECORD
        and logger.handle is _HANDLE
        and logger.callHandlers is _CALL_HANDLERS
        and logging.StreamHandler.emit is _EMIT
        and logging.FileHandler.emit is _EMIT_TO_FILE
        and logging.getLogRecordFactory() is logging.LogRecord
    )


def _plain_handlers(logger: logging.Logger) -> "list[StreamHandler[TextIO]] | None":
    """Return the handlers of `logger`, or None where one of them, or a filter, needs a record."""
    found: list[StreamHandler[TextIO]] = []
    if logger.filters:
        return None
    current: logging.Logger | None = logger
    while current is not None:
        for handler in current.handlers:
            if not _writes_the_message_alone(handler):
                return None
            found.append(handler)
        current = current.parent if current.propagate else None
    return found or None


def _writes_the_message_alone(handler: logging.Handler) -> "TypeGuard[StreamHandler[TextIO]]":
    kind = type(handler)
    if not (kind is logging.FileHandler or kind is logging.StreamHandler) or handler.filters:
        return False
    if vars(handler)["stream"] is None:  # it opens its file with the first record
        return False
    formatter = handler.formatter
    if formatter is None:
        return True
    return type(formatter) is logging.Formatter and formatter._fmt == _MESSAGE_ALONE  # noqa: SLF001  # it tells nobody
