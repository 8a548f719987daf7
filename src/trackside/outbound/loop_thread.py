"""Requests of threads that wait, on an event loop that runs in a thread of its own."""

import asyncio
import os
import threading
from collections.abc import Callable, Sequence

import msgspec

from trackside.outbound.base import Answer, Failed, Outgoing
from trackside.outbound.client import HttpClient
from trackside.outbound.inherited import never_free

LATE_S = 5.0
"""So long after the budget's end a loop has at most for saying so."""


class LoopThread:
    """Asks side by side over connections that all threads share. A child process begins anew."""

    def __init__(self, make: Callable[[], HttpClient]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._pid = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._client: HttpClient | None = None
        os.register_at_fork(after_in_child=self._begin_anew)

    @property
    def second_tries(self) -> int:
        """Those of the client."""
        return 0 if self._client is None else self._client.second_tries

    def ask(self, requests: Sequence[Outgoing], *, budget_s: float) -> list[Answer | Failed]:
        """Return what came back, in the order of the requests."""
        loop, client = self._running()
        ours = [
            msgspec.structs.replace(request, timeout_s=min(request.timeout_s, budget_s))
            for request in requests
        ]

        async def ask_all() -> list[Answer | Failed]:
            return await asyncio.gather(*(client.send(request) for request in ours))

        return asyncio.run_coroutine_threadsafe(ask_all(), loop).result(budget_s + LATE_S)

    def close(self) -> None:
        """Do nothing: the connections are those of all threads, and end when they have been idle."""

    def _running(self) -> tuple[asyncio.AbstractEventLoop, HttpClient]:
        with self._lock:
            if self._loop is None or self._client is None:
                self._client = self._make()
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="trackside-http", daemon=True).start()
            return self._loop, self._client

    def _begin_anew(self) -> None:
        never_free(self._loop, self._client)
        self._lock = threading.Lock()
        self._loop = self._client = None
