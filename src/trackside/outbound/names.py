"""The addresses behind a name: asked for off the event loop, once for all who wait, and not for ever."""

import asyncio
import errno
import socket
import threading
import time
from collections.abc import Callable, Sequence
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


class _Known(Struct, frozen=True):
    addresses: Sequence[str]
    error: OSError | None
    until_s: float


class Names:
    """Looks names up, and remembers for up to `FRESH_S`. Belongs to one event loop."""

    def __init__(self, lookup: Lookup = system_lookup, *, clock: Clock = time.monotonic) -> None:
        self._lookup = lookup
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._asked: dict[str, asyncio.Future[_Known]] = {}

    async def addresses(self, host: str) -> Sequence[str]:
        """Return the addresses of `host`, at least one. Raises OSError; may be cancelled at any time."""
        known = self._known.get(host)
        if known is None or known.until_s <= self._clock():
            known = await self._ask(host)
        if known.error is not None:
            raise known.error.with_traceback(None)
        return known.addresses

    def forget(self, host: str) -> None:
        """Ask anew the next time: what was known did not lead anywhere."""
        self._known.pop(host, None)

    async def _ask(self, host: str) -> _Known:
        asked = self._asked.get(host)
        if asked is None:
            if len(self._asked) >= LOOKUPS:
                raise OSError(errno.EMFILE, "too many names are being looked up")
            asked = self._asked[host] = asyncio.get_running_loop().create_future()
            # not the loop's executor: its threads are few, and the interpreter waits for them at its end
            thread = threading.Thread(target=self._look_up, args=(host, asked), daemon=True)
            try:
                thread.start()
            except RuntimeError as error:
                del self._asked[host]
                raise OSError(errno.ENOMEM, "no thread to look a name up") from error
        return await asyncio.shield(asked)  # who gives up does not take the answer from the others

    def _look_up(self, host: str, asked: asyncio.Future[_Known]) -> None:
        addresses: Sequence[str] = ()
        error: OSError | None = None
        try:
            addresses = self._lookup(host)
        except OSError as raised:
            error = raised
        except Exception as raised:  # noqa: BLE001  # the border of a foreign resolver: nobody may wait in vain
            error = OSError(errno.EIO, type(raised).__name__)
        if error is None and not addresses:
            error = socket.gaierror(socket.EAI_NONAME, "the name has no address")
        with suppress(RuntimeError):  # the loop is gone, and with it all who waited
            asked.get_loop().call_soon_threadsafe(self._keep, host, asked, addresses, error)

    def _keep(
        self, host: str, asked: asyncio.Future[_Known], addresses: Sequence[str], error: OSError | None
    ) -> None:
        fresh_s = FRESH_S if error is None else FRESH_FAILURE_S
        known = _Known(addresses, error, self._clock() + fresh_s)
        self._asked.pop(host, None)
        self._known.pop(host, None)
        while len(self._known) >= KEPT_NAMES:
            del self._known[next(iter(self._known))]  # the longest known
        self._known[host] = known
        if not asked.done():
            asked.set_result(known)
