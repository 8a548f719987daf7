"""The default backend: events go to the log, durable in a moment, and the caller waits for nothing."""

from trackside.backends.log.backend import LogBackend

__all__ = ["LogBackend"]
