"""Requests of threads that wait, on an event loop that runs in a thread of its own."""

import asyncio
import os
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from trackside.outbound.base import Answer, Failed, Fault, Outgoing
from trackside.outbound.client import HttpClient
from trackside.outbound.inherited import never_free

LATE_S: Final = 5.0
"""So long after the budget's end the loop has at most for saying so."""


class LoopThread:
    """Asks side by side over connections that all threads share. A child process begins anew."""

    def __init__(self, make: Callable[[], HttpClient]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._running: _Running | None = None
        begin_anew = weakref.WeakMethod(self._begin_anew)
        os.register_at_fork(after_in_child=lambda: (method := begin_anew()) and method())

    @property
    def second_tries(self) -> int:
        """Those of the client."""
        return 0 if self._running is None else self._running.client.second_tries

    def ask(self, requests: Sequence[Outgoing], *, budget_s: float) -> list[Answer | Failed]:
        """Return what came back, in the order of the requests."""
        with self._lock:
            running = self._running = self._running or _Running(self._make())
        ours = [
            msgspec.structs.replace(request, timeout_s=min(request.timeout_s, budget_s))
            for request in requests
        ]

        async def ask_all() -> list[Answer | Failed]:
            return await asyncio.gather(*(running.client.send(request) for request in ours))

        future = asyncio.run_coroutine_threadsafe(ask_all(), running.loop)
        try:
            return future.result(budget_s + LATE_S)
        except TimeoutError:
            future.cancel()
            return [Failed(fault=Fault.LOCAL, detail="the event loop is held up") for _ in ours]

    def close(self) -> None:
        """Do nothing: the connections are those of all threads, and end when they have been idle."""

    def _begin_anew(self) -> None:
        if self._running is not None:
            self._running.disown()
        self._running = None
        self._lock = threading.Lock()


class _Running:
    """A loop in a thread, with its client; both end when nobody has this any more."""

    def __init__(self, client: HttpClient) -> None:
        self.client = client
        self.loop = asyncio.new_event_loop()
        self._end = weakref.finalize(self, _end, client, self.loop)
        threading.Thread(target=_run, args=(self.loop,), name="trackside-http", daemon=True).start()

    def disown(self) -> None:
        """Leave both to the parent process, whose thread is not here."""
        self._end.detach()
        never_free(self.client, self.loop)


def _run(loop: asyncio.AbstractEventLoop) -> None:
    loop.run_forever()
    loop.close()


def _end(client: HttpClient, loop: asyncio.AbstractEventLoop) -> None:
    closing = asyncio.run_coroutine_threadsafe(client.close(), loop)
    closing.add_done_callback(lambda _: loop.call_soon_threadsafe(loop.stop))
