"""A store of attempts in a folder."""

from pathlib import Path

from trackside.attempts.journal import RING_BYTES
from trackside.attempts.sqlite import SQLiteAttempts
from trackside.config.settings import AttemptSettings


def opened(
    directory: Path,
    settings: AttemptSettings | None = None,
    *,
    ring_bytes: int = RING_BYTES,
) -> SQLiteAttempts:
    """Return a store in `directory`."""
    return SQLiteAttempts(directory, settings or AttemptSettings(), ring_bytes=ring_bytes)


def settle(attempts: SQLiteAttempts) -> None:
    """Return once everything that has ended is in the database."""
    attempts._writer.flush()
