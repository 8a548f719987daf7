"""The client on curl for threads that wait: one multi for each of them, in the calling thread."""

import os
import threading
import time
import weakref
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Final

from trackside.outbound.base import Answer, Failed, Outgoing
from trackside.outbound.curl.exchange import Exchange, Need, judged
from trackside.outbound.curl.multi import Multi
from trackside.outbound.curl.options import CurlOptions
from trackside.outbound.curl.places import Places
from trackside.outbound.curl.transfer import Transfer
from trackside.outbound.names import Known, Lookup, WaitingNames

LOOK_AGAIN_S: Final = 0.002
"""So late at most an address is seen that arrives while other requests are under way."""
LONGEST_WAIT_S: Final = 1.0


class CurlThreads:
    """Asks side by side, over connections that each thread keeps for itself.

    A child process begins anew. A thread's connections are closed when it ends, all of them when the process does.
    """

    def __init__(self, options: CurlOptions, places: Places, lookup: Lookup) -> None:
        self._options = options
        self._places = places
        self._lookup = lookup
        self._process = _Process(os.getpid(), WaitingNames(lookup))
        self._mine = threading.local()
        self.second_tries = 0

    def ask(self, requests: Sequence[Outgoing], *, budget_s: float) -> list[Answer | Failed]:
        """Return what came back, in the order of the requests."""
        began_s = time.monotonic()
        asking = _Asking(self._kept(), self._names())
        try:
            for index, request in enumerate(requests):
                asking.add(index, request, self._places, began_s + min(request.timeout_s, budget_s))
            return asking.outcomes()
        finally:
            self.second_tries += asking.end()

    def close(self) -> None:
        """Close the connections of this thread."""
        kept: _Kept | None = getattr(self._mine, "kept", None)
        if kept is not None:
            del self._mine.kept
            kept.close()

    def _names(self) -> WaitingNames:
        if self._process.pid != os.getpid():  # its lock may have been held when the process was forked
            self._process = _Process(os.getpid(), WaitingNames(self._lookup))
        return self._process.names

    def _kept(self) -> Multi:
        kept: _Kept | None = getattr(self._mine, "kept", None)
        if kept is None or kept.pid != os.getpid():
            kept = self._mine.kept = _Kept(self._options, self._names())
        return kept.multi


class _Process:
    """What all threads of a process share."""

    def __init__(self, pid: int, names: WaitingNames) -> None:
        self.pid = pid
        self.names = names


class _Kept:
    """The connections of one thread; it ends with the thread, and they with it."""

    def __init__(self, options: CurlOptions, names: WaitingNames) -> None:
        self.pid = os.getpid()
        self.multi = Multi(options, names.fresh)
        self.close = weakref.finalize(self, _close, self.multi, self.pid)


def _close(multi: Multi, pid: int) -> None:
    if pid == os.getpid():
        multi.close()
    else:
        multi.disown()


class _Asking:
    """Some requests under way, until each has its outcome."""

    def __init__(self, multi: Multi, names: WaitingNames) -> None:
        self._multi = multi
        self._names = names
        self._outcomes: dict[int, Answer | Failed] = {}
        self._exchanges: list[Exchange] = []
        self._running: dict[Transfer, tuple[int, Exchange]] = {}
        self._looking: dict[int, tuple[Future[Known], Exchange]] = {}

    def add(self, index: int, request: Outgoing, places: Places, until_s: float) -> None:
        """Put a request under way."""
        found = judged(places, request)
        if isinstance(found, Failed):
            self._outcomes[index] = found
            return
        place, headers = found
        exchange = Exchange(self._multi, request, headers, place, until_s)
        self._exchanges.append(exchange)
        self._go_on(index, exchange, exchange.begin())

    def outcomes(self) -> list[Answer | Failed]:
        """Wait for all."""
        while self._running or self._looking:
            if self._running:
                self._turn()
            else:
                left_s = min(exchange.left_s for _, exchange in self._looking.values())
                futures = {future for future, _ in self._looking.values()}
                wait(futures, timeout=max(left_s, 0), return_when=FIRST_COMPLETED)
            if self._looking:
                self._take_addresses()
        return [self._outcomes[index] for index in sorted(self._outcomes)]

    def end(self) -> int:
        """Free all places; return how many second tries there were."""
        for exchange in self._exchanges:
            exchange.end()
        return sum(exchange.second_tries for exchange in self._exchanges)

    def _turn(self) -> None:
        due_s = self._multi.due_s
        wait_s = LONGEST_WAIT_S if due_s is None else due_s - time.monotonic()
        longest_s = LOOK_AGAIN_S if self._looking else LONGEST_WAIT_S
        for ended in self._multi.turn(min(max(wait_s, 0), longest_s)):
            index, exchange = self._running.pop(ended.transfer)
            need = exchange.take_end(ended)
            if need is None and exchange.led_nowhere:
                self._names.forget(exchange.name)
            self._go_on(index, exchange, need)

    def _take_addresses(self) -> None:
        for index, (future, exchange) in [*self._looking.items()]:
            if future.done():
                known = future.result()
                found = known.addresses if known.error is None else known.error
            elif exchange.left_s > 0:
                continue
            else:
                found = TimeoutError()
            del self._looking[index]
            self._go_on(index, exchange, exchange.take_addresses(found))

    def _go_on(self, index: int, exchange: Exchange, need: Need | None) -> None:
        if need is Need.ADDRESSES:
            try:
                self._looking[index] = self._names.ask(exchange.name), exchange
                return
            except OSError as error:
                need = exchange.take_addresses(error)
        if need is Need.TURNS:
            self._running[exchange.transfer] = index, exchange
        else:
            self._outcomes[index] = exchange.outcome
