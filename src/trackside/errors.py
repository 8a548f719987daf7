"""The exceptions, one for each thing a caller would do about it; expected results are values, not exceptions."""


class TracksideError(Exception):
    """The root of every exception this package raises on purpose."""


class ConfigurationError(TracksideError):
    """A setting is wrong; the message names it, its value and what is wanted. Fix it and start again."""


class StorageError(TracksideError):
    """The data directory or a database in it cannot be used; the message says why and what to do."""


class LogBusy(TracksideError):  # noqa: N818  # named as what the caller is told, like BlockingIOError
    """The queue in front of the log is full; try again after `retry_after_s` seconds."""

    def __init__(self, message: str, *, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class LogClosed(TracksideError):  # noqa: N818
    """The log takes nothing more: the process is stopping."""


class DestinationError(TracksideError):
    """A destination cannot start (a path that cannot be written, an address that is refused)."""
