"""How the processes that Trackside starts itself write their logs: for people, with what a sentence is about."""

import logging
from typing import Final

_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_OWN: Final = "trackside."
_USUAL: Final = logging.LogRecord("", 0, "", 0, "", (), None).__dict__.keys() | {
    "message",
    "asctime",
    "taskName",
}


class LogLines(logging.Formatter):
    """Puts what Trackside's own records carry beside their sentence behind it: `destination=crm`."""

    def __init__(self) -> None:
        super().__init__(_FORMAT)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # the base's name
        """Return the line of a record, without its traceback."""
        line = super().formatMessage(record)
        if not record.name.startswith(_OWN):
            return line
        # what comes from outside may hold a line break: it must not look like a record of its own
        details = [
            f"{name}={value!r}" if _is_odd(value) else f"{name}={value}"
            for name, value in record.__dict__.items()
            if name not in _USUAL and not name.startswith("_")
        ]
        return f"{line} ({', '.join(details)})" if details else line


def _is_odd(value: object) -> bool:
    return isinstance(value, str) and not value.isprintable()


def log_to_stderr() -> None:
    """Log to stderr from INFO on; nothing, where the process has said already how it logs."""
    handler = logging.StreamHandler()
    handler.setFormatter(LogLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
