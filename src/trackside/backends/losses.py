"""Losses are counted one by one and told in few lines: a full disk must not fill the application's log too."""

import logging
import time
from collections import Counter

from trackside.telemetry import catalogue

EVERY_S = 10.0

logger = logging.getLogger("trackside.backends")


class Losses:
    """What one backend could not pass on: every event in the counters, a line in the log every ten seconds."""

    def __init__(self, backend: str) -> None:
        self._backend = backend
        self._untold: Counter[tuple[str, str]] = Counter()
        self._told_at = float("-inf")
        self._delay_told_at = float("-inf")

    def add(self, events: int, reason: str, explanation: str) -> None:
        """Count so many events as lost. `reason` is a label of the counter, `explanation` is for people."""
        if not events:
            return
        catalogue.BACKEND_DROPPED.add(events, self._backend, reason)
        self._untold[reason, explanation] += events
        self.report()

    def delayed(self, explanation: str) -> None:
        """Count that something has to wait, and say so where it was not said lately."""
        catalogue.BACKEND_DELAYS.add(1, self._backend)
        now = time.monotonic()
        if now - self._delay_told_at >= EVERY_S:
            self._delay_told_at = now
            logger.warning(
                "Events wait in the backend %s: %s",
                self._backend,
                explanation,
                extra={"backend": self._backend, "reason": explanation},
            )

    def report(self, *, now: bool = False) -> None:
        """Say what was lost since the last line, if that is long enough ago or `now` is the time."""
        if not self._untold or not (now or time.monotonic() - self._told_at >= EVERY_S):
            return
        self._told_at = time.monotonic()
        untold, self._untold = self._untold, Counter()
        for (reason, explanation), events in untold.items():
            logger.error(
                "%d events are lost in the backend %s (%s): %s",
                events,
                self._backend,
                reason,
                explanation,
                extra={"backend": self._backend, "reason": reason, "events": events},
            )
