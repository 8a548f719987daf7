"""The receivers as they behaved so far, by URL: one that fails is left alone, then tried by one question at a time."""

import threading
from collections.abc import Callable, Collection
from typing import Final

from trackside.outbound.base import Answer, Failed, Fault
from trackside.outbound.breaker import Breaker

MOST_UNDER_WAY: Final = 1_024
TOO_MANY_REQUESTS: Final = 429


class Endpoint:
    """One receiver; safe from every thread."""

    def __init__(self, *, failures: int, monotonic: Callable[[], float], random: Callable[[], float]) -> None:
        """`failures` in a row make that it is left alone."""
        self._breaker = Breaker(most=MOST_UNDER_WAY, failures=failures, monotonic=monotonic, random=random)
        self._lock = threading.Lock()
        self._under_way = 0

    def enter(self) -> str | None:
        """Return None where it may be asked now, which `leave` ends; else why it is left alone."""
        with self._lock:
            if self._breaker.rest_s > 0:
                return "it is left alone after failures"
            if self._under_way >= self._breaker.width:
                return "it is being tried by another question"
            self._under_way += 1
            return None

    def leave(self, reply: Answer | Failed, *, started_at: float, had_its_time: bool) -> None:
        """Note what came of a question. What was too late only because little time was left says nothing of it."""
        with self._lock:
            self._under_way -= 1
            match _judged(reply, had_its_time=had_its_time):
                case True:
                    self._breaker.succeed()
                case False:
                    self._breaker.fail("failures", started_at=started_at)
                case None:
                    pass

    @property
    def is_left_alone(self) -> bool:
        """Whether it fails so often that it is asked by one question at a time, if at all."""
        return self._breaker.is_probing


class Endpoints:
    """All receivers of a process."""

    def __init__(self, *, failures: int, monotonic: Callable[[], float], random: Callable[[], float]) -> None:
        self._failures = failures
        self._monotonic = monotonic
        self._random = random
        self._lock = threading.Lock()
        self._by_url: dict[str, Endpoint] = {}

    def of(self, url: str) -> Endpoint:
        """Return the receiver behind a URL, which is the same each time."""
        found = self._by_url.get(url)
        if found is None:
            new = Endpoint(failures=self._failures, monotonic=self._monotonic, random=self._random)
            with self._lock:
                found = self._by_url.setdefault(url, new)
        return found

    def keep(self, urls: Collection[str]) -> None:
        """Forget all others."""
        with self._lock:
            self._by_url = {url: each for url, each in self._by_url.items() if url in urls}


def _judged(reply: Answer | Failed, *, had_its_time: bool) -> bool | None:
    if isinstance(reply, Answer):
        # one that breaks off, drips or has no end costs its whole time, as one that never comes
        return reply.status < 500 and reply.status != TOO_MANY_REQUESTS and not reply.truncated
    if reply.is_ours or (reply.fault == Fault.TIMEOUT and not had_its_time):
        return None
    return False
