"""What one process of a data directory does beside collecting: delivery, and the upkeep of the log."""

import logging
import os
import signal
import threading
from datetime import UTC, datetime
from pathlib import Path

from trackside import hub
from trackside.config.settings import Config
from trackside.errors import StorageError, TracksideError
from trackside.log.base import Log
from trackside.server.site.rows import SiteWebhooks
from trackside.telemetry import write_snapshot

logger = logging.getLogger("trackside.server")

_UPKEEP_INTERVAL_S = 5.0


class Housekeeping:
    """Runs the delivery engine and the log's upkeep on threads of their own."""

    def __init__(self, config: Config, log: Log) -> None:
        self._log = log
        self._destinations = frozenset(config.destinations)
        self._run = Path(config.data_dir) / "run"
        self._rows = SiteWebhooks()
        self._engine = hub.build_delivery(config, log, self._rows)
        self._stopping = threading.Event()
        self._upkeep = threading.Thread(target=self._keep_up, name="trackside-upkeep", daemon=True)

    def start(self) -> None:
        """Start delivering; the webhooks of the database follow as soon as the Django project stands."""
        self._engine.start()
        self._rows.start()
        self._upkeep.start()

    def wait_for_signal(self, parent: int | None) -> None:
        """Return once this process is told to stop or `parent` is gone; for a process that only delivers."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self._stopping.set())
        while not self._stopping.wait(1.0):
            write_snapshot(self._run)
            if parent is not None and os.getppid() != parent:
                return

    def stop(self, grace_s: float) -> None:
        """Finish what is being sent, keep how far each destination is, stop."""
        self._stopping.set()
        self._rows.stop()
        self._engine.stop(grace_s)
        self._upkeep.join(
            grace_s
        )  # a step of it that takes longer ends with the process; it is a transaction
        write_snapshot(self._run)

    def _keep_up(self) -> None:
        while not self._stopping.wait(_UPKEEP_INTERVAL_S):
            try:
                self._log.maintain(datetime.now(UTC), holding=self._holding())
            except TracksideError as error:
                logger.warning("The log's upkeep failed and is tried again: %s", error)
            except Exception:
                logger.exception("The log's upkeep failed and is tried again")

    def _holding(self) -> frozenset[str] | None:
        """Return whose events are kept until they have them; None, everybody's, while the rows are not known."""
        try:
            return self._destinations | self._rows.current().keys()
        except StorageError:
            return None
