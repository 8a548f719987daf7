"""The server's metrics: what its processes counted, and what can be read from the log when somebody asks."""

import asyncio
import logging
import platform
from datetime import UTC, datetime
from pathlib import Path

from trackside import hub
from trackside.config.settings import Config
from trackside.errors import TracksideError
from trackside.log.base import Log
from trackside.log.pending import age_s, oldest_pending_at
from trackside.telemetry import CONTENT_TYPE, catalogue, collect, exposition, write_snapshot

logger = logging.getLogger("trackside.server")

_INTERVAL_S = 1.0


class Numbers:
    """Leaves this process's numbers for the others, and tells the sum of all."""

    def __init__(self, config: Config, log: Log) -> None:
        self._directory = Path(config.data_dir) / "run"
        self._destinations = frozenset(config.destinations)
        self._log = log
        catalogue.BUILD.set(1, hub.version(), platform.python_version())

    def exposition(self) -> tuple[bytes, bytes]:
        """Return the metrics of all processes as Prometheus reads them, and their content type.

        Those of a log that cannot be read now are as old as its last reading; the counters are told all the same.
        """
        try:
            self._read_log()
        except TracksideError:
            logger.warning("The log cannot be read for its metrics", exc_info=True)
        return exposition(collect(self._directory)), CONTENT_TYPE.encode()

    async def keep_writing(self) -> None:
        """Leave this process's numbers about every second, and once more when cancelled."""
        try:
            while True:
                await asyncio.sleep(_INTERVAL_S)
                await asyncio.to_thread(write_snapshot, self._directory)
        finally:
            write_snapshot(self._directory)

    def _read_log(self) -> None:
        bounds, stats = self._log.bounds(), self._log.stats()
        catalogue.LOG_EVENTS.set(bounds.events)
        catalogue.LOG_LAST_POSITION.set(bounds.last)
        catalogue.LOG_BYTES.set(stats.size_bytes)
        for name, state in self._log.subscription_states().items():
            if name not in self._destinations:
                continue
            oldest_at = oldest_pending_at(self._log, state, bounds.last)
            catalogue.DESTINATION_OLDEST_PENDING_S.set(age_s(oldest_at, datetime.now(UTC)), name)
            catalogue.DESTINATION_PENDING.set(bounds.last - state.position, name)
            catalogue.DESTINATION_RETRYING.set(state.retrying, name)
            catalogue.DESTINATION_DEAD.set(state.dead, name)
            catalogue.DESTINATION_FAILING.set(state.failing_since is not None, name)
