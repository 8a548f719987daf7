"""Requests of threads that wait, on an event loop that runs in a thread of its own."""

import asyncio
import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import msgspec

from trackside.outbound.base import Answer, Failed, Fault, Outgoing
from trackside.outbound.client import HttpClient
from trackside.outbound.greenlets import arrival, start_thread
from trackside.outbound.inherited import never_free

LATE_S: Final = 5.0
"""So long after the budget's end the loop has at most for saying so."""
LOOK_AGAIN_S: Final = 0.0005
"""So often a loop that is being started is looked for."""


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
        asking = _Asking(running, ours)
        try:
            found = asking.found(budget_s + LATE_S)
        except BaseException:  # whoever waits is ended, as a greenlet may be
            asking.give_up()
            raise
        if found is None:
            asking.give_up()
            return [Failed(fault=Fault.LOCAL, detail="the event loop is held up") for _ in ours]
        return found

    def close(self) -> None:
        """Do nothing: the connections are those of all threads, and end when they have been idle."""

    def _begin_anew(self) -> None:
        if self._running is not None:
            self._running.disown()
        self._running = None
        self._lock = threading.Lock()


class _Asking:
    """Requests under way on the loop. Without `concurrent.futures`: under gevent its locks are those of greenlets."""

    def __init__(self, running: "_Running", requests: Sequence[Outgoing]) -> None:
        self._client = running.client
        self._loop = running.loop
        self._requests = requests
        self._arrival = arrival()
        self._task: asyncio.Task[list[Answer | Failed]] | None = None
        self._loop.call_soon_threadsafe(self._begin)

    def found(self, timeout_s: float) -> list[Answer | Failed] | None:
        """Return what came back; None where nothing did by then. Raises what the client raised."""
        if not self._arrival.wait(timeout_s) or self._task is None:
            return None
        return self._task.result()

    def give_up(self) -> None:
        """End the requests: nobody waits for them any more."""
        self._loop.call_soon_threadsafe(lambda: self._task and self._task.cancel())

    def _begin(self) -> None:
        self._task = self._loop.create_task(self._ask_all())
        self._task.add_done_callback(lambda _: self._arrival.tell())

    async def _ask_all(self) -> list[Answer | Failed]:
        return await asyncio.gather(*map(self._client.send, self._requests))


class _Running:
    """A loop in a thread, with its client; both end when nobody has this any more."""

    def __init__(self, client: HttpClient) -> None:
        self.client = client
        self._made: list[asyncio.AbstractEventLoop] = []
        self._end = weakref.finalize(self, _end, client, self._made)
        start_thread(partial(_run, self._made), name="trackside-http")

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop, once it is there. Raises RuntimeError where it is not in time."""
        until_s = time.monotonic() + LATE_S
        while not self._made:
            if time.monotonic() > until_s:
                raise RuntimeError("the thread of the event loop did not start")
            # no lock: one that was made before gevent came would hold up the greenlet that has it
            time.sleep(LOOK_AGAIN_S)
        return self._made[0]

    def disown(self) -> None:
        """Leave both to the parent process, whose thread is not here."""
        self._end.detach()
        never_free(self.client, *self._made)


def _run(made: list[asyncio.AbstractEventLoop]) -> None:
    # made here: under gevent it belongs to the thread that makes it; not uvloop, which would stop the greenlets of
    # this thread, as which names are looked up then
    loop = asyncio.SelectorEventLoop()
    loop.call_soon(made.append, loop)
    loop.run_forever()
    loop.close()


def _end(client: HttpClient, made: list[asyncio.AbstractEventLoop]) -> None:
    async def close() -> None:
        await client.close()
        asyncio.get_running_loop().stop()

    for loop in made:
        loop.call_soon_threadsafe(lambda: asyncio.ensure_future(close()))
