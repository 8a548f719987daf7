"""Tokens of OAuth 2 for hooks: fetched within the budget of the question that needs one, kept until they expire."""

import threading
from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from trackside.outbound.auth import Headers
from trackside.outbound.base import Answer, Failed, Outgoing
from trackside.outbound.oauth2 import PAUSE_S, judged_token
from trackside.outbound.tls import TlsFiles
from trackside.webfilters.asker import Asker, replies

MOST_TOKENS: Final = 1_000
_Key = tuple[str, bytes, Headers, TlsFiles | None]


class Tokens:
    """The tokens of a process, by the request that they are had with; safe from every thread.

    Threads that need one at the same time fetch it each: nobody waits for another question's time.
    """

    def __init__(self, asker: Asker, monotonic: Callable[[], float]) -> None:
        self._asker = asker
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._kept: dict[_Key, _Token] = {}

    def headers(self, question: Outgoing, *, timeout_s: float) -> Headers | Answer | Failed:
        """Return the header with the token, or what came instead of one."""
        key = _key(question)
        with self._lock:
            kept = self._kept.get(key)
        if kept is not None and self._monotonic() < kept.until_s:
            return kept.found
        [outcome] = replies(self._asker, [replace(question, timeout_s=timeout_s)], budget_s=timeout_s)
        found, life_s = judged_token(outcome)
        now_s = self._monotonic()
        with self._lock:
            if len(self._kept) >= MOST_TOKENS:
                self._kept.clear()  # of hooks that are no more
            self._kept[key] = _Token(found, fetched_s=now_s, until_s=now_s + life_s)
        return found

    def refused(self, question: Outgoing) -> None:
        """Let the next question have another token, unless this one has just been given out."""
        key = _key(question)
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and self._monotonic() >= kept.fetched_s + PAUSE_S:
                del self._kept[key]


class _Token:
    __slots__ = ("fetched_s", "found", "until_s")

    def __init__(self, found: Headers | Answer | Failed, *, fetched_s: float, until_s: float) -> None:
        self.found = found
        self.fetched_s = fetched_s
        self.until_s = until_s


def _key(question: Outgoing) -> _Key:
    return question.url, question.body, tuple(question.headers), question.tls
