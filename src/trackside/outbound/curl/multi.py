"""curl's multi interface, its sockets watched with epoll: one for each event loop, or for each thread."""

import os
import select
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

import pycurl
from msgspec import Struct
from msgspec.structs import replace

from trackside.outbound.curl.options import CurlOptions
from trackside.outbound.curl.streams import Streams
from trackside.outbound.curl.transfer import Place, Transfer
from trackside.outbound.inherited import never_free
from trackside.outbound.tls import TlsFiles

KEPT_CONNECTIONS: Final = 1_024
"""So many connections wait for their next request; of more, the ones that have waited longest are closed."""
IDLE_HANDLES: Final = 1_024
KNOWN_TLS: Final = 256
TOLD_NAMES: Final = 10_000
_EVENTS: Final = 256
_ENDED: Final = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
_MASKS: Final = {
    pycurl.POLL_NONE: 0,
    pycurl.POLL_IN: select.EPOLLIN,
    pycurl.POLL_OUT: select.EPOLLOUT,
    pycurl.POLL_INOUT: select.EPOLLIN | select.EPOLLOUT,
}

Fresh = Callable[[str], Sequence[str] | None]
"""Returns the addresses of a name as far as they are known and not too old."""


class Ended(Struct, frozen=True, gc=False):
    """What curl says of a transfer that is over."""

    transfer: Transfer
    code: int
    """0, or the number of an error."""
    message: str


class Multi:
    """Drives transfers over kept connections. It belongs to one thread, whose turn it is whenever `turn` is called."""

    __slots__ = (
        *(
            "due_s",
            "epoll",
            "is_closed",
            "options",
            "streams",
            "under_way",
            "_at_rest",
            "_fresh",
            "_gone",
            "_idle",
        ),
        *("_idle_with", "_masks", "_multi", "_told"),
    )

    def __init__(self, options: CurlOptions, fresh: Fresh) -> None:
        self.options = options
        self._fresh = fresh
        self._multi = multi = pycurl.CurlMulti()
        multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        multi.setopt(pycurl.M_MAXCONNECTS, KEPT_CONNECTIONS)
        self.epoll = select.epoll()
        """Is readable when there is something to do before `due_s`."""
        self.due_s: float | None = None
        """When `turn` must be called, whatever happens, on the monotonic clock."""
        self.is_closed = False
        self.under_way: dict[pycurl.Curl, Transfer] = {}
        self._idle: list[Transfer] = []
        self._idle_with: dict[TlsFiles, list[Transfer]] = {}
        """Those whose requests have files of TLS of their own."""
        self._masks: dict[int, int] = {}
        """What sockets are surely watched for: nothing is known of any once a new one may have an old one's number."""
        self._at_rest: set[int] = set()
        """Sockets that curl does not watch, as it keeps them for a request that may come."""
        self._gone: set[tuple[str, int]] = set()
        """Our side of connections on which something came while they were at rest: their end, as a rule."""
        self.streams = Streams()
        """What is known of connections that several requests go over at a time."""
        self._told: dict[tuple[str, int], Sequence[str]] = {}

    def take(self, tls: TlsFiles | None = None) -> Transfer:
        """Return a transfer to prepare, which is given back at the end; `tls` as a request has it."""
        idle = self._idle if tls is None else self._idle_with.get(tls)
        if idle:
            return idle.pop()
        return Transfer(
            self.options if tls is None else replace(self.options, tls=tls),
            has_old_addresses=self._has_old_addresses,
            gone=self._gone,
            is_shared=self.streams.carried,
        )

    def give_back(self, transfer: Transfer) -> None:
        """Keep a transfer for another request; one that is under way ends here, and its connection."""
        if transfer.curl in self.under_way:
            self.give_up(transfer)
        is_ours = transfer.options is self.options
        idle = self._idle if is_ours else self._idle_of(transfer.options.tls)
        if len(idle) < IDLE_HANDLES:
            transfer.rest()
            idle.append(transfer)

    def keeps_gone(self, transfer: Transfer) -> bool:
        """Return whether curl still has the connection that a transfer found gone: whoever finds it next closes it."""
        if not self.streams.forget(transfer.ours):
            return False
        self._gone.add(transfer.ours)
        return True

    def knows(self, place: Place) -> bool:
        """Return whether a request can begin: no name is to be looked up, or it was once.

        Where its addresses have become old meanwhile, and no connection is kept, the transfer ends as `is_old`.
        """
        return place.dialled is None or place.dialled in self._told

    def tell(self, transfer: Transfer, addresses: Sequence[str]) -> None:
        """Let curl know the addresses of the transfer's place."""
        dialled = transfer.place.dialled
        if dialled is None or self._told.get(dialled) is addresses:
            return
        forgotten = []
        while len(self._told) >= TOLD_NAMES:
            forgotten.append(next(iter(self._told)))
            del self._told[forgotten[-1]]
        transfer.tell(dialled, addresses, forget=forgotten)

    def begin(self, transfer: Transfer) -> None:
        """Put a transfer under way; it moves with the next turns."""
        self.under_way[transfer.curl] = transfer
        self._multi.add_handle(transfer.curl)
        self.due_s = 0.0

    def give_up(self, transfer: Transfer) -> None:
        """End a transfer that is under way, and its connection."""
        if self.under_way.pop(transfer.curl, None) is not None:
            self._multi.remove_handle(transfer.curl)

    def turn(self, wait_s: float = 0.0, *, look_s: float = 0.0) -> list[Ended]:
        """Do what there is to do, after waiting for it up to `wait_s`; return the transfers that are over.

        The first `look_s` of the wait it looks again and again, and only then sleeps.
        """
        if wait_s and self.due_s is not None:
            wait_s = min(max(self.due_s - time.monotonic(), 0), wait_s) if self.due_s else 0
        act = self._multi.socket_action
        for fd, event in self._events(wait_s, look_s):
            if fd in self._at_rest:
                with suppress(OSError):  # curl may have closed it in this very turn
                    self.epoll.unregister(fd)  # what it says is heard once
                self._masks.pop(fd, None)
                self._hear_at_rest(fd, has_ended=bool(event & _ENDED))
                continue
            ready = pycurl.CSELECT_IN if event & ~select.EPOLLOUT else 0
            act(fd, ready | pycurl.CSELECT_OUT if event & select.EPOLLOUT else ready)
        if self.due_s is not None and self.due_s <= time.monotonic():
            act(pycurl.SOCKET_TIMEOUT, 0)
        ended: list[Ended] = []
        left = 1
        while left:
            left, good, bad = self._multi.info_read()
            if good:
                ended += [self._over(curl, 0, "") for curl in good]
            if bad:
                ended += [self._over(curl, code, message) for curl, code, message in bad]
        # asked for once: curl would tell of each change
        after_ms = self._multi.timeout() if self.under_way else -1
        self.due_s = None if after_ms < 0 else time.monotonic() + after_ms / 1e3 if after_ms else 0.0
        return ended

    def _events(self, wait_s: float, look_s: float) -> list[tuple[int, int]]:
        if not (wait_s and look_s):
            return self.epoll.poll(wait_s, _EVENTS)
        began_s = now_s = time.monotonic()
        while not (found := self.epoll.poll(0, _EVENTS)) and now_s - began_s < min(look_s, wait_s):
            now_s = time.monotonic()
        return found or self.epoll.poll(max(began_s + wait_s - now_s, 0), _EVENTS)

    def close(self) -> None:
        """Close all connections, also those of transfers under way."""
        self.is_closed = True
        for transfer in [*self.under_way.values()]:
            self.give_up(transfer)
        self._multi.close()
        for transfer in self._resting():
            transfer.curl.close()
        self._idle.clear()
        self._idle_with.clear()
        self.epoll.close()

    def disown(self) -> None:
        """Let go of the connections in a child process, to whose parent they belong: nothing is said on them."""
        handles = [*self.under_way, *(transfer.curl for transfer in self._resting())]
        never_free(self._multi, *handles)

    def _idle_of(self, tls: TlsFiles) -> list[Transfer]:
        idle = self._idle_with.get(tls)
        if idle is None:
            if len(self._idle_with) >= KNOWN_TLS:  # most are of settings that were changed since
                for transfer in [each for others in self._idle_with.values() for each in others]:
                    transfer.curl.close()
                self._idle_with.clear()
            idle = self._idle_with[tls] = []
        return idle

    def _resting(self) -> list[Transfer]:
        return [*self._idle, *(transfer for idle in self._idle_with.values() for transfer in idle)]

    def _over(self, curl: pycurl.Curl, code: int, message: str) -> Ended:
        transfer = self.under_way.pop(curl)
        ended = Ended(transfer, code, message)
        if transfer.place.secure and transfer.may_share:
            self._note_connection(ended)
        self._multi.remove_handle(curl)
        if transfer.addresses:
            self._note_told(transfer)
        if transfer.is_old and transfer.place.dialled is not None:
            self._told.pop(transfer.place.dialled, None)
        return ended

    def _has_old_addresses(self, transfer: Transfer) -> bool:
        """Return whether the addresses that are about to be dialled are too old, or not told by us."""
        self._masks.clear()  # a socket is about to be made
        dialled = transfer.place.dialled
        if dialled is None:
            return False
        if transfer.addresses:
            self._note_told(transfer)
            return False
        told = self._told.get(dialled)
        return told is None or self._fresh(dialled[0]) is not told

    def _note_told(self, transfer: Transfer) -> None:
        # not earlier: of transfers that begin together any may be the first that curl looks at
        if transfer.addresses and transfer.place.dialled is not None:
            self._told[transfer.place.dialled] = transfer.addresses
            transfer.addresses = ()

    def _watch(self, what: int, fd: int, *_: object) -> None:
        if what == pycurl.POLL_REMOVE:
            # curl looks at connections at rest once a second; what ended meanwhile would cost a second try
            self._at_rest.add(fd)
            mask = select.EPOLLIN
        else:
            self._at_rest.discard(fd)
            mask = _MASKS[what]
        if self._masks.get(fd) == mask:
            return
        self._masks[fd] = mask
        try:
            self.epoll.modify(fd, mask)
        except FileNotFoundError:  # a new one, also where its number was that of one at rest
            self.epoll.register(fd, mask)

    def _hear_at_rest(self, fd: int, *, has_ended: bool) -> None:
        """Answer the other side's goodbye, which it may wait for; curl closes the connection when it next looks."""
        with suppress(OSError), socket.socket(fileno=os.dup(fd)) as ours:
            ip, port, *_ = ours.getsockname()
            if not has_ended and self.streams.carried((ip, port)):
                # HTTP/2 has more to say than answers, as a PING; curl reads it with the next request
                self.epoll.register(fd, select.EPOLLRDHUP)
                return
            if len(self._gone) < KEPT_CONNECTIONS:
                self._gone.add((ip, port))
            ours.shutdown(socket.SHUT_RDWR)

    def _note_connection(self, ended: Ended) -> None:
        """Take note of a connection that others may be under way on, and end it where it seems to be dead."""
        transfer = ended.transfer
        if transfer.status:
            if transfer.curl.getinfo(pycurl.INFO_HTTP_VERSION) == pycurl.CURL_HTTP_VERSION_2_0:
                self.streams.hear(transfer.ours, at_s=time.monotonic())
            elif transfer.restarts:
                self.streams.want_plain(transfer.place.url)
        elif transfer.connected and ended.code == pycurl.E_OPERATION_TIMEDOUT:
            fd = transfer.curl.getinfo(pycurl.ACTIVESOCKET)
            if fd >= 0 and self._seems_dead(transfer):  # -1: curl itself will have no more of it
                with suppress(OSError), socket.socket(fileno=os.dup(fd)) as ours:
                    ours.shutdown(socket.SHUT_RDWR)

    def _seems_dead(self, transfer: Transfer) -> bool:
        ours = transfer.ours
        others = any(each.connected and each.ours == ours for each in self.under_way.values())
        return self.streams.seems_dead(
            ours,
            waited_s=transfer.timeout_s,
            now_s=time.monotonic(),
            others=others,
        )
