"""Folds the write-ahead log back on a thread of its own, so that no commit waits for it."""

import logging
import threading

from trackside.errors import StorageError
from trackside.log.sqlite.database import Database

EVERY_BYTES = 8_388_608
PAGE_OVERHEAD_BYTES = 16_384
"""What a commit writes beside its bodies: the pages of the tree, the index and the page map."""

logger = logging.getLogger(__name__)


class Checkpointer:
    """Checkpoints a database each time enough was written; its thread starts when first there is work."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.after_fork()

    def after_fork(self) -> None:
        """Begin without a thread."""
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._written = 0

    def wrote(self, size_bytes: int) -> None:
        """Count what was committed; called by the writer's thread only."""
        self._written += size_bytes + PAGE_OVERHEAD_BYTES
        if self._written < EVERY_BYTES:
            return
        self._written = 0
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="trackside-checkpoint", daemon=True)
            self._thread.start()
        self._wake.set()

    def close(self) -> None:
        """End the thread after what it is at."""
        self._closed = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        wake = self._wake
        while wake.wait() and not self._closed:
            wake.clear()
            try:
                self._database.checkpoint()
            except StorageError:
                # The log itself stays whole; commits meet the same trouble and report it.
                logger.warning("the write-ahead log could not be folded back", exc_info=True)
