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
from trackside.outbound.curl.nearby import Nearby
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
        kept: _Kept | None = getattr(self._mine, "kept", None)
        if kept is None or kept.pid != os.getpid():
            kept = self._mine.kept = _Kept(self._options, self._names())
        multi = kept.multi
        if len(requests) == 1:
            [request] = requests
            reply = self._ask_one(kept, request, began_s + min(request.timeout_s, budget_s))
            kept.nearby.heed(request.url, reply)
            return [reply]
        asking = _Asking(multi, self._process.names)
        try:
            for index, request in enumerate(requests):
                asking.add(index, request, self._places, began_s + min(request.timeout_s, budget_s))
            asking.finish()
        finally:
            self.second_tries += asking.end()
        return asking.outcomes()

    def _ask_one(self, kept: "_Kept", request: Outgoing, until_s: float) -> Answer | Failed:
        """Return what came back of a request that has no other beside it: nothing is to be told apart then."""
        found = judged(self._places, request)
        if isinstance(found, Failed):
            return found
        place, headers = found
        multi, look_s = kept.multi, kept.nearby.look_s(request.url)
        exchange = Exchange(multi, request, headers, place, until_s)
        try:
            need = exchange.begin()
            while need is not None:
                if need is Need.ADDRESSES:
                    need = exchange.take_addresses(_addresses(exchange, self._process.names))
                    continue
                for ended in multi.turn(LONGEST_WAIT_S, look_s=look_s):
                    if ended.transfer is exchange.transfer:
                        need = exchange.take_end(ended)
                        if need is None and exchange.led_nowhere:
                            self._process.names.forget(exchange.name)
            return exchange.outcome
        except Exception as error:  # noqa: BLE001  # the border: who asks is in the middle of something else
            return exchange.break_down(error)
        finally:
            self.second_tries += exchange.second_tries
            exchange.end()

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
        self.nearby = Nearby()
        self.close = weakref.finalize(self, _close, self.multi, self.pid)


def _close(multi: Multi, pid: int) -> None:
    if pid == os.getpid():
        multi.close()
    else:
        multi.disown()


def _addresses(exchange: Exchange, names: WaitingNames) -> Sequence[str] | OSError:
    try:
        future = names.ask(exchange.name)
    except OSError as error:
        return error
    wait([future], timeout=max(exchange.left_s, 0))
    return _found(future.result()) if future.done() else TimeoutError()


def _found(known: Known) -> Sequence[str] | OSError:
    return known.addresses if known.error is None else known.error


class _Asking:
    """Some requests under way, until each has its outcome."""

    def __init__(self, multi: Multi, names: WaitingNames) -> None:
        self._multi = multi
        self._names = names
        self._outcomes: dict[int, Answer | Failed] = {}
        self._exchanges: list[tuple[int, Exchange]] = []
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
        self._exchanges.append((index, exchange))
        try:
            self._go_on(index, exchange, exchange.begin())
        except Exception as error:  # noqa: BLE001  # the border: who asks is in the middle of something else
            self._outcomes[index] = exchange.break_down(error)

    def finish(self) -> None:
        """Wait until each request has its outcome."""
        try:
            while self._running or self._looking:
                self._move()
        except Exception as error:  # noqa: BLE001  # the border: who asks is in the middle of something else
            for index, exchange in self._exchanges:
                if index not in self._outcomes:
                    self._outcomes[index] = exchange.break_down(error)

    def outcomes(self) -> list[Answer | Failed]:
        """Return what came back, in the order of the requests."""
        return [self._outcomes[index] for index in sorted(self._outcomes)]

    def end(self) -> int:
        """Free all places; return how many second tries there were."""
        for _, exchange in self._exchanges:
            exchange.end()
        return sum(exchange.second_tries for _, exchange in self._exchanges)

    def _move(self) -> None:
        if self._running:
            self._turn()
        else:
            left_s = min(exchange.left_s for _, exchange in self._looking.values())
            futures = {future for future, _ in self._looking.values()}
            wait(futures, timeout=max(left_s, 0), return_when=FIRST_COMPLETED)
        if self._looking:
            self._take_addresses()

    def _turn(self) -> None:
        for ended in self._multi.turn(LOOK_AGAIN_S if self._looking else LONGEST_WAIT_S):
            index, exchange = self._running.pop(ended.transfer)
            need = exchange.take_end(ended)
            if need is None and exchange.led_nowhere:
                self._names.forget(exchange.name)
            self._go_on(index, exchange, need)

    def _take_addresses(self) -> None:
        for index, (future, exchange) in [*self._looking.items()]:
            if future.done():
                found = _found(future.result())
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
