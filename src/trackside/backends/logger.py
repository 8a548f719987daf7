"""Writes each event as one line of JSON to a logger of the standard library."""

import logging
from typing import Any

from trackside.backends.lines import LineWriter
from trackside.emitted import DateTimeJSONEncoder, Unencodable, dumps
from trackside.errors import ConfigurationError
from trackside.telemetry import catalogue

LOG = logging.getLogger("trackside.backends.logger")
MAX_EVENT_SIZE = 1024


class LoggerBackend:
    """Logs every event as one line of JSON, in the form that `json.dumps` gives it.

    An event longer than `max_event_size` characters (None: there is no limit) is not logged; it is counted as
    `oversize`. One that has no JSON is counted as `unencodable`.
    The line is written before `send` returns, but for one case: where another thread is just writing to a plain file
    or stream, that thread writes it next.
    """

    mutates = False

    def __init__(
        self, name: str | None = None, max_event_size: int | None = MAX_EVENT_SIZE, level: str = "info"
    ) -> None:
        """Log to the logger `name` (None: the root logger) at `level`; AttributeError where it has no such level.

        Raises ConfigurationError for a `max_event_size` that is no number.
        """
        if not isinstance(max_event_size, int | float | None):
            raise ConfigurationError(f"max_event_size is {max_event_size!r}; want a number of characters")
        self.max_event_size = max_event_size
        self.event_logger = logging.getLogger(name)
        self.log = getattr(self.event_logger, level.lower())
        levelno = getattr(logging, level.upper(), None)
        self._write = self.log
        if isinstance(levelno, int) and _is_usual(self.event_logger, self.log, level):
            self._write = LineWriter(self.event_logger, levelno).write

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


def _is_usual(logger: Any, log: Any, level: str) -> bool:
    """Return whether logger and method are the standard library's, not a derived class's or a test's."""
    usual = getattr(logging.Logger, level.lower(), None)
    return type(logger) in (logging.Logger, logging.RootLogger) and getattr(log, "__func__", None) is usual


__all__ = ["DateTimeJSONEncoder", "LoggerBackend"]
