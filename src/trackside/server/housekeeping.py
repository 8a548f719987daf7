"""What one process of a data directory does beside collecting: delivery, and the upkeep of the log."""

import logging
import os
import signal
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from trackside import hub
from trackside.attempts.base import Attempts
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
        self._attempts = _open_attempts(config)
        self._engine = hub.build_delivery(config, log, self._rows, attempts=self._attempts)
        self._stopping = threading.Event()
        self._upkeep = threading.Thread(target=self._keep_up, name="trackside-upkeep", daemon=True)

    def start(self) -> None:
        """Start delivering to what the configuration file declares, and the upkeep."""
        if self._attempts is not None:
            self._attempts.start()
        self._engine.start()
        self._upkeep.start()

    def follow_rows(self) -> None:
        """Start the Django project, where nobody has; the webhooks of its database follow as soon as it stands."""
        self._rows.start()

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
        if self._attempts is not None:
            self._attempts.close()
        write_snapshot(self._run)

    def _keep_up(self) -> None:
        while not self._stopping.wait(_UPKEEP_INTERVAL_S):
            self._try("log", lambda now: self._log.maintain(now, holding=self._holding()))
            if self._attempts is not None:
                self._try("attempts", self._attempts.maintain)

    def _try(self, what: str, step: Callable[[datetime], object]) -> None:
        try:
            step(datetime.now(UTC))
        except TracksideError as error:
            logger.warning("The upkeep of the %s failed and is tried again: %s", what, error)
        except Exception:
            logger.exception("The upkeep of the %s failed and is tried again", what)

    def _holding(self) -> frozenset[str] | None:
        """Return whose events are kept until they have them; None, everybody's, while the rows are not known."""
        try:
            return self._destinations | self._rows.current().keys()
        except StorageError:
            return None


def _open_attempts(config: Config) -> Attempts | None:
    try:
        return hub.open_attempts(config)
    except StorageError as error:  # they are only looked at: no reason to deliver nothing
        logger.error("Attempts of webhooks are not kept: %s", error)
        return None
