"""Attempts in memory, for tests of what records them and of what shows them."""

import itertools
import threading
from asyncio import AbstractEventLoop
from collections.abc import Collection
from datetime import datetime, timedelta

from msgspec.structs import replace

from trackside.attempts.base import (
    BODY_BYTES,
    PAGE,
    Attempt,
    AttemptPage,
    Ending,
    Query,
    Sending,
    StoredAttempt,
)
from trackside.config.settings import AttemptSettings
from trackside.sqlite.instants import from_us


class MemoryAttempts:
    """Keeps attempts for as long as it lives; what has begun shows once it has ended."""

    def __init__(self, settings: AttemptSettings | None = None) -> None:
        self.settings = settings or AttemptSettings()
        self._lock = threading.Lock()
        self._kept: list[StoredAttempt] = []
        self._ids = itertools.count(1)
        self.keys = itertools.count(1)
        self.under_way: dict[int, tuple[str, Sending]] = {}
        """What has begun, by key."""

    @property
    def attempts(self) -> list[Attempt]:
        """Everything kept, oldest first."""
        return [stored.attempt for stored in self._kept]

    def start(self) -> None:
        """Do nothing: it takes in at once."""

    def recorder(self, destination: str) -> "MemoryRecorder":
        """Return what the destination of this name calls."""
        return MemoryRecorder(self, destination)

    def page(self, query: Query, *, before: int | None = None, limit: int = PAGE) -> AttemptPage:
        """Return attempts that are asked for, newest first."""
        found = [
            stored
            for stored in reversed(self._kept)
            if (before is None or stored.id < before) and query.matches(stored.attempt)
        ]
        return AttemptPage(found[:limit], found[limit - 1].id if len(found) > limit else None)

    def find(self, id: int) -> Attempt | None:  # noqa: A002  # the contract's
        """Return the attempt of this id."""
        return next((stored.attempt for stored in self._kept if stored.id == id), None)

    def empty_bodies(self, event_ids: Collection[str]) -> int:
        """Empty what attempts of these events sent and were answered."""
        count = 0
        for at, stored in enumerate(self._kept):
            attempt = stored.attempt
            if attempt.event_id in event_ids and (attempt.request_body or attempt.response_body):
                self._kept[at] = StoredAttempt(
                    stored.id, replace(attempt, request_body=b"", response_body=b"")
                )
                count += 1
        return count

    def scrub(self) -> bool:
        """Do nothing: memory has no files."""
        return True

    def maintain(self, now: datetime) -> int:
        """Remove what is too old."""
        since = now - timedelta(seconds=self.settings.keep_s)
        before = len(self._kept)
        self._kept = [each for each in self._kept if each.attempt.began_at >= since]
        return before - len(self._kept)

    def close(self) -> None:
        """Do nothing."""

    def keep(self, destination: str, sending: Sending, ending: Ending) -> None:
        """Keep an attempt that has ended."""
        bodies = self.settings.bodies
        with self._lock:
            attempt = Attempt(
                destination=destination,
                position=sending.position,
                event_id=sending.event_id,
                event_name=sending.event_name,
                number=sending.number,
                began_at=from_us(sending.began_us),
                duration_s=ending.duration_s,
                outcome=ending.outcome,
                status=ending.status,
                fault=ending.fault,
                reason=ending.reason,
                method=sending.method,
                url=sending.url,
                request_headers=list(sending.headers),
                request_body=sending.body[:BODY_BYTES] if bodies else b"",
                request_bytes=len(sending.body),
                response_headers=list(ending.headers),
                response_body=ending.body[:BODY_BYTES] if bodies else b"",
                response_bytes=len(ending.body),
                truncated=ending.truncated,
            )
            self._kept.append(StoredAttempt(next(self._ids), attempt))


class MemoryRecorder:
    """Takes down what one destination sends."""

    def __init__(self, attempts: MemoryAttempts, destination: str) -> None:
        self._attempts = attempts
        self._destination = destination

    def gather(self, loop: AbstractEventLoop) -> None:
        """Do nothing: noting takes no time here."""

    def begin(self, sending: Sending) -> int:
        """Note what is about to be sent."""
        key = next(self._attempts.keys)
        self._attempts.under_way[key] = (self._destination, sending)
        return key

    def end(self, key: int | None, ending: Ending) -> None:
        """Keep it with what came of it."""
        if key is not None:
            self._attempts.keep(*self._attempts.under_way.pop(key), ending)
