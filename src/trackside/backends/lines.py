"""Writes lines through a logger of the standard library, with the result of `logger.info(line)` at less cost.

Most of what `info` does is to find out who called it, and to make a record that says so. Here all records come
from one place, and a handler that writes nothing but the message needs no record at all. Wherever a logger, a
handler or the library itself is not as it comes, the ordinary way is taken.

Threads that write to one file queue up for its handler's lock, and each waits for the interpreter's lock after
its write: with many of them most of the time goes into waking each other. So they do not queue: while one writes,
the lines of the others wait for it, and it writes them together.
"""

import atexit
import logging
import os
import threading
import time
from collections import deque
from contextlib import nullcontext
from typing import TextIO, TypeGuard
from weakref import WeakSet

WAITING_LINES = 10_000
"""So many lines may wait for another thread to write them; whoever has one more waits itself."""
WAIT_S = 1.0

_MESSAGE_ALONE = "%(message)s"
_MAKE_RECORD = logging.Logger.makeRecord
_HANDLE = logging.Logger.handle
_CALL_HANDLERS = logging.Logger.callHandlers
_EMIT = logging.StreamHandler.emit
_EMIT_TO_FILE = logging.FileHandler.emit

StreamHandler = logging.StreamHandler
Handlers = list["StreamHandler[TextIO]"]

_WRITERS: "WeakSet[LineWriter]" = WeakSet()


class LineWriter:
    """Writes lines to one logger at one level, from any thread, those of one thread in their order.

    A line is written before `write` returns, unless another thread is writing: then that one writes it next.
    """

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
        self.forget()
        _WRITERS.add(self)

    def __reduce__(self) -> tuple[type["LineWriter"], tuple[logging.Logger, int]]:
        """Let whatever holds a writer be copied; the copy writes for itself, to the same logger."""
        return LineWriter, (self._logger, self._levelno)

    def forget(self) -> None:
        """Begin anew, without the lines that wait: in a forked child, whose parent writes them."""
        self._waiting: deque[str] = deque()
        self._turn = threading.Lock()

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
        waiting = self._waiting
        waiting.append(line)
        if self._turn.acquire(blocking=False) or (
            len(waiting) > WAITING_LINES and self._turn.acquire(timeout=WAIT_S)
        ):
            self._write_in_turn(handlers)

    def flush(self) -> None:
        """Write the lines that wait, if whoever is writing lets us within a second."""
        if self._waiting and self._turn.acquire(timeout=WAIT_S):
            self._write_in_turn(_plain_handlers(self._logger), hand_over=False)

    def _write_in_turn(self, handlers: "Handlers | None", *, hand_over: bool = True) -> None:
        """Write what waits, and give the turn back: the caller has it."""
        while True:
            try:
                self._write_waiting(handlers)
            except BaseException:
                self._turn.release()
                raise
            if self._waiting:
                # others go on logging: that must not keep this thread from its own work
                if hand_over and self._go_on_in_a_thread():
                    return
            else:
                self._turn.release()
                # a line that came before the release, and after the last look, has found the turn taken
                if not (self._waiting and self._turn.acquire(blocking=False)):
                    return
            handlers = _plain_handlers(self._logger)

    def _go_on_in_a_thread(self) -> bool:
        try:
            threading.Thread(target=self._write_the_rest, name="trackside-lines").start()
        except RuntimeError:  # the interpreter is ending, or there are too many threads
            return False
        return True

    def _write_the_rest(self) -> None:
        self._write_in_turn(_plain_handlers(self._logger), hand_over=False)

    def _write_waiting(self, handlers: "Handlers | None") -> None:
        waiting = self._waiting
        if not waiting:  # who had the turn before has written what brought us here
            return
        lines = [waiting.popleft()]
        if waiting:
            lines += [waiting.popleft() for _ in range(len(waiting))]
        if handlers is None:
            for line in lines:
                self._logger.handle(self._record(line))
            return
        for handler in handlers:
            if self._levelno >= handler.level:
                self._write_to(handler, lines)

    def _write_to(self, handler: "StreamHandler[TextIO]", lines: list[str]) -> None:
        with handler.lock or nullcontext():
            stream = handler.stream
            try:
                stream.write(handler.terminator.join(lines) + handler.terminator)
                stream.flush()
            except RecursionError:
                raise
            except Exception:  # noqa: BLE001  # the handler decides, as it does in its own `emit`
                for line in lines:
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


def _plain_handlers(logger: logging.Logger) -> "Handlers | None":
    """Return the handlers of `logger`, or None where one of them, or a filter, needs a record."""
    found: Handlers = []
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


def _forget_in_child() -> None:
    for writer in _WRITERS:
        writer.forget()


def _flush_at_exit() -> None:
    for writer in tuple(_WRITERS):
        writer.flush()


os.register_at_fork(after_in_child=_forget_in_child)
atexit.register(_flush_at_exit)
