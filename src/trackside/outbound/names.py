"""The addresses behind a name: asked for off the event loop, once for all who wait, and not for ever."""

import asyncio
import errno
import socket
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Final

from msgspec import Struct

FRESH_S: Final = 30.0
FRESH_FAILURE_S: Final = 5.0
KEPT_NAMES: Final = 10_000
LOOKUPS: Final = 64
"""So many names are looked up at a time; a slow server of one name keeps one place."""

Lookup = Callable[[str], Sequence[str]]
"""Returns the addresses of a name, or raises OSError; runs in a thread of its own."""
Clock = Callable[[], float]


def system_lookup(host: str) -> Sequence[str]:
    """Return what the system's resolver knows, without duplicates, in its order."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(_text(address) for *_, address in found))


def _text(address: tuple[object, ...]) -> str:
    match address:
        case (str() as host, _, _, int() as link) if link and "%" not in host:
            return f"{host}%{link}"  # an address on one link; by this sign the policy refuses it
    return str(address[0])


class Known(Struct, frozen=True):
    """What a lookup came to."""

    addresses: Sequence[str]
    error: OSError | None
    until_s: float


class KnownNames:
    """What was looked up, for up to `FRESH_S`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[str, Known] = {}

    def fresh(self, host: str) -> Sequence[str] | None:
        """Return the addresses of `host` where they are known and not too old: always the same object."""
        known = self.find(host)
        return None if known is None or known.error is not None else known.addresses

    def find(self, host: str) -> Known | None:
        """Return what is known of `host` and not too old."""
        known = self._known.get(host)
        return None if known is None or known.until_s <= self._clock() else known

    def forget(self, host: str) -> None:
        """Ask anew the next time: what was known did not lead anywhere."""
        self._known.pop(host, None)

    def keep(self, host: str, found: Sequence[str] | OSError) -> Known:
        """Remember what a lookup came to."""
        if isinstance(found, OSError):
            known = Known((), found, self._clock() + FRESH_FAILURE_S)
        else:
            known = Known(found, None, self._clock() + FRESH_S)
        self._known.pop(host, None)
        while len(self._known) >= KEPT_NAMES:
            del self._known[next(iter(self._known))]  # the longest known
        self._known[host] = known
        return known


class Names(KnownNames):
    """Looks names up for those who await. Belongs to one event loop."""

    def __init__(self, lookup: Lookup = system_lookup, *, clock: Clock = time.monotonic) -> None:
        super().__init__(clock)
        self._lookup = lookup
        self._asked: dict[str, asyncio.Future[Known]] = {}

    async def addresses(self, host: str) -> Sequence[str]:
        """Return the addresses of `host`, at least one. Raises OSError; may be cancelled at any time."""
        known = self.find(host) or await self._ask(host)
        if known.error is not None:
            raise known.error.with_traceback(None)
        return known.addresses

    async def _ask(self, host: str) -> Known:
        asked = self._asked.get(host)
        if asked is None:
            loop = asyncio.get_running_loop()
            future: asyncio.Future[Known] = loop.create_future()

            def tell(found: Sequence[str] | OSError) -> None:
                with suppress(RuntimeError):  # the loop is gone, and with it all who waited
                    loop.call_soon_threadsafe(self._take, host, future, found)

            look_up(host, self._lookup, tell, others=len(self._asked))
            asked = self._asked[host] = future
        return await asyncio.shield(asked)  # who gives up does not take the answer from the others

    def _take(self, host: str, asked: asyncio.Future[Known], found: Sequence[str] | OSError) -> None:
        self._asked.pop(host, None)
        known = self.keep(host, found)
        if not asked.done():
            asked.set_result(known)


class WaitingNames(KnownNames):
    """Looks names up for threads that wait."""

    def __init__(self, lookup: Lookup = system_lookup, *, clock: Clock = time.monotonic) -> None:
        super().__init__(clock)
        self._lookup = lookup
        self._lock = threading.Lock()
        self._asked: dict[str, Future[Known]] = {}

    def ask(self, host: str) -> Future[Known]:
        """Return what will hold the addresses of `host`, as soon as they are here. Raises OSError."""
        with self._lock:
            asked = self._asked.get(host)
            if asked is not None:
                return asked
            future: Future[Known] = Future()
            if (known := self.find(host)) is not None:
                future.set_result(known)
                return future

            def tell(found: Sequence[str] | OSError) -> None:
                with self._lock:
                    self._asked.pop(host, None)
                    known = self.keep(host, found)
                future.set_result(known)

            look_up(host, self._lookup, tell, others=len(self._asked))
            self._asked[host] = future
            return future


def look_up(
    host: str, lookup: Lookup, tell: Callable[[Sequence[str] | OSError], None], *, others: int
) -> None:
    """Ask for a name in a thread of its own, which tells what it found. Raises OSError where it cannot be asked for.

    Not in the event loop's executor: its threads are few, and the interpreter waits for them at its end.
    """
    if others >= LOOKUPS:
        raise OSError(errno.EMFILE, "too many names are being looked up")
    thread = threading.Thread(target=lambda: tell(_found(host, lookup)), daemon=True)
    try:
        thread.start()
    except RuntimeError as error:
        raise OSError(errno.ENOMEM, "no thread to look a name up") from error


def _found(host: str, lookup: Lookup) -> Sequence[str] | OSError:
    try:
        addresses = lookup(host)
    except OSError as error:
        return error
    except Exception as error:  # noqa: BLE001  # the border of a foreign resolver: nobody may wait in vain
        return OSError(errno.EIO, type(error).__name__)
    return addresses or socket.gaierror(socket.EAI_NONAME, "the name has no address")
