"""One easy handle of curl: a request at a time, and how far it has come."""

import math
import socket
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Final

import pycurl
from msgspec import Struct

from trackside.outbound import sockets
from trackside.outbound.base import RESPONSE_BYTES, Outgoing
from trackside.outbound.curl.options import CurlOptions
from trackside.outbound.headers import Lines, is_header_name

HEAD_BYTES: Final = 65_536
"""A head has less, the answers before the answer (100 Continue) included."""
HELD_BYTES: Final = 16_384
"""A handle at rest holds on to a body of its last request that is not larger."""
EXPECTING_BYTES: Final = 1_000_000
"""With more, curl would ask first whether it may send."""
_CONTINUES: Final = range(100, 200)
_SWITCHING: Final = 101
_RESET_CONTENT: Final = 205
_OK: Final = 0
_FAIL: Final = 1
_STOP: Final = 0
"""Returned for bytes that curl wanted to hand over: it ends the transfer."""
_GET_METHODS: Final = {"GET", "OPTIONS", "TRACE"}


class Place(Struct, frozen=True):
    """Where a request goes, judged and in curl's words."""

    url: str
    host: str
    """The name in the URL, which the policy may know."""
    secure: bool
    dialled: tuple[str, int] | None
    """The name and the port that a connection needs the addresses of: the receiver's, or the proxy's."""


class _Lent:
    """A socket that pycurl makes a duplicate of, and lets go of at once."""

    __slots__ = ("_socket",)

    def __init__(self, made: socket.socket) -> None:
        self._socket = made

    def fileno(self) -> int:
        """Return what is duplicated."""
        return self._socket.fileno()

    def __del__(self) -> None:
        self._socket.close()


class Transfer:
    """A handle with the callbacks of a request, used for one request after the other."""

    __slots__ = (
        *("addresses", "body", "connected", "curl", "dialled", "is_gone", "is_old", "is_stale", "lines"),
        *("local_error", "maybe_sent", "moved", "options", "ours", "place", "refused", "restarts", "status"),
        *("truncated", "_defaults", "_gone", "_has_old_addresses", "_head_bytes", "_holds_bytes"),
        *("_is_shared", "_limits", "_names", "_shape", "_url"),
    )

    def __init__(
        self,
        options: CurlOptions,
        *,
        has_old_addresses: Callable[["Transfer"], bool],
        gone: set[tuple[str, int]],
        is_shared: Callable[[tuple[str, int]], bool],
    ) -> None:
        """`gone` holds our side of kept connections that must not be used; they leave it when they are found.

        `is_shared` tells a connection of HTTP/2, by our side of it.
        """
        self.options = options  # TLS among them: requests with other files need another transfer
        self._has_old_addresses = has_old_addresses
        self._gone = gone
        self._is_shared = is_shared
        self._shape: tuple[str, bool] = ("", False)
        self._limits = 0, False, False, False
        self._url = ""
        self._names: tuple[str, ...] | None = None
        self._defaults: Sequence[str] = ()
        self.place: Place
        self.addresses: Sequence[str] = ()
        """What curl is told of the place's name with this request, where it is told something."""
        self.status = 0
        """That of an answer whose head is whole, else 0."""
        self.maybe_sent = False
        """Whether there was a connection that the request could go over, in this try or an earlier one."""
        self.restarts, self.moved = 0, False
        """How often curl itself sent it again, and whether over a kept connection: one that may be stale as well."""
        self.ours = "", 0
        """Our side of the connection that it went over."""
        self._holds_bytes = 0
        self.curl = curl = pycurl.Curl()
        options.put_on(curl)
        curl.setopt(pycurl.HEADERFUNCTION, self._take_line)
        curl.setopt(pycurl.WRITEFUNCTION, self._take_body)
        curl.setopt(pycurl.PREREQFUNCTION, self._start)
        curl.setopt(pycurl.RESOLVER_START_FUNCTION, self._look_up)
        curl.setopt(pycurl.OPENSOCKETFUNCTION, self._open)

    def prepare(self, request: Outgoing, headers: Lines) -> None:
        """Take a request to `place`, which has not begun."""
        curl, place = self.curl, self.place
        self.addresses = ()
        if place.url != self._url:
            curl.setopt(pycurl.URL, place.url)
            self._url = place.url
        shape = request.method, bool(request.body)
        if shape != self._shape:
            self._take_shape(*shape)
        if request.body or request.method not in {*_GET_METHODS, "HEAD"}:
            curl.setopt(pycurl.POSTFIELDS, request.body)
            self._holds_bytes = len(request.body)
        lines = self._header_lines(headers)
        curl.setopt(pycurl.HTTPHEADER, lines if len(request.body) < EXPECTING_BYTES else ["Expect:", *lines])

    def tell(
        self, dialled: tuple[str, int], addresses: Sequence[str], *, forget: Iterable[tuple[str, int]] = ()
    ) -> None:
        """Let curl know what a name leads to, for this and all later requests of the same multi."""
        listed = ",".join(f"[{address}]" if ":" in address else address for address in addresses)
        host, port = dialled
        lines = [*(f"-{name}:{at}" for name, at in forget), f"{host}:{port}:{listed}"]
        self.curl.setopt(pycurl.RESOLVE, lines)
        self.addresses = addresses

    def begin(
        self, timeout_s: float, *, fresh: bool = False, last: bool = False, plain: bool = False
    ) -> None:
        """Forget what came of an earlier try. With `last` its connection is closed after it, `plain` is HTTP/1.1."""
        limits = max(math.ceil(timeout_s * 1e3), 1), fresh, last, plain
        if limits != self._limits:
            self._limits = limits
            self.curl.setopt(pycurl.TIMEOUT_MS, limits[0])
            self.curl.setopt(pycurl.FRESH_CONNECT, fresh)
            self.curl.setopt(pycurl.FORBID_REUSE, last)
            self.options.put_version(self.curl, plain=plain)
        self.lines: list[bytes] = []
        self.status = 0
        self.body = bytearray()
        self.truncated = False
        self.connected = False
        """There is a connection that the request can go over, in this try."""
        self.dialled = False
        """That connection was made for it."""
        self.is_stale = False
        """A kept connection had been closed by the other side before it answered a byte."""
        self.is_gone = False
        """A kept connection had been closed by the other side before the request went out."""
        self.is_old = False
        """A connection was needed, and the addresses of its name must be asked for anew."""
        self.refused = ""
        """Why the policy forbids an address that was to be dialled."""
        self.local_error = 0
        """The number of the system's error that a socket could not be made for."""
        self._head_bytes = 0

    @property
    def may_share(self) -> bool:
        """Whether it may go over a connection on which others are under way."""
        return self.options.http2 and self.place.secure

    @property
    def timeout_s(self) -> float:
        """How long this try may take."""
        return self._limits[0] / 1e3

    @property
    def through_proxy(self) -> bool:
        """Whether the operator's own proxy is between."""
        return self.options.proxy is not None

    def rest(self) -> None:
        """Let go of the request and its answer."""
        self.status = self.restarts = 0
        self.maybe_sent = self.moved = False
        if self._holds_bytes > HELD_BYTES:
            self._holds_bytes = 0
            self._shape = ("", False)  # what follows makes a POST of it
            self.curl.setopt(pycurl.POSTFIELDS, b"")
        self.lines = []
        self.body = bytearray()

    def _header_lines(self, headers: Lines) -> Sequence[str | bytes]:
        names, own = headers
        if names != self._names:
            given = {name.lower() for name in names}
            self._names = names  # what is not among them is sent as by default
            self._defaults = [line for name, line in self.options.headers if name not in given]
        lines = [*self._defaults, *own]
        return lines if "".join(lines).isascii() else [line.encode() for line in lines]

    def _take_shape(self, method: str, has_body: bool) -> None:
        curl = self.curl
        curl.setopt(pycurl.HTTPGET, 1)  # undoes what another method left behind
        curl.unsetopt(pycurl.CUSTOMREQUEST)
        if method == "HEAD":
            curl.setopt(pycurl.NOBODY, 1)
        elif has_body or method not in _GET_METHODS:
            curl.setopt(pycurl.POST, 1)
        if method not in {"GET", "POST", "HEAD"} or (method != "POST" and has_body):
            curl.setopt(pycurl.CUSTOMREQUEST, method)
        self._shape = method, has_body

    def _start(self, _: str, our_ip: str, __: int, our_port: int) -> int:
        """Take note that the request is about to go out; curl itself would send it again where a connection was stale.

        That must be counted, and not be done with another kept connection, which may be as stale.
        """
        if self.connected and not self._may_move((our_ip, our_port)):
            self.is_stale = True
            return int(pycurl.PREREQFUNC_ABORT)
        self.ours = our_ip, our_port
        if self._gone and (our_ip, our_port) in self._gone:
            self._gone.remove((our_ip, our_port))
            self.is_gone = True
            return int(pycurl.PREREQFUNC_ABORT)
        self.connected = self.maybe_sent = True
        return int(pycurl.PREREQFUNC_OK)

    def _look_up(self) -> int:
        """Keep curl from asking for a name by itself: it would not look at all of its addresses."""
        if self.place.dialled is None:
            return _OK  # it is no name
        self.is_old = True
        return _FAIL

    def _open(self, _: int, address: tuple[int, int, int, tuple[str, int]]) -> object:
        if self.connected and not self._may_restart():  # it went out over a kept connection, and nothing came
            self.is_stale = True
            return pycurl.SOCKET_BAD
        if self._has_old_addresses(self):
            self.is_old = True
            return pycurl.SOCKET_BAD
        family, kind, protocol, (ip, *_rest) = address
        if reason := self.options.policy.why_not_address(ip, self.place.host):
            self.refused = reason
            return pycurl.SOCKET_BAD
        try:
            made = _Lent(sockets.new_socket(family, kind, protocol))
        except OSError as error:
            self.local_error = error.errno or 0
            return pycurl.SOCKET_BAD
        self.dialled = True
        return made

    def _may_restart(self) -> bool:
        """Let curl send it once more, over the new connection that it is about to make.

        Over HTTP/2 curl alone knows why: the receiver refused it and did nothing with it (REFUSED_STREAM, GOAWAY),
        wants HTTP/1.1 for it, or tore down a connection that was in use before.
        """
        if not self.may_share or self.restarts or self._has_old_addresses(self):
            return False
        self.restarts = 1
        self.connected = False
        return True

    def _may_move(self, ours: tuple[str, int]) -> bool:
        """Let curl send it once more, over another connection of HTTP/2 that is kept: no handshake for each refusal."""
        if self.restarts or ours == self.ours or not self._is_shared(ours):
            return False
        self.restarts = 1
        self.moved = True
        return True

    def _take_line(self, line: bytes) -> int | None:
        if self.status or not self.connected:
            return None  # a trailer, or what a proxy says of a tunnel; curl bounds both
        self.lines.append(line)
        length = len(line)
        self._head_bytes += length
        if self._head_bytes > HEAD_BYTES:
            return _STOP
        return self._end_head() if length <= 2 and not line.strip() else None

    def _end_head(self) -> int | None:
        status = int(self.lines[0].split(maxsplit=2)[1])
        if status in _CONTINUES and status != _SWITCHING:
            self.lines.clear()
            return None
        self.status = status
        # has no body, though curl would wait for one
        return _STOP if status == _RESET_CONTENT and not self._says_it_is_empty() else None

    def _says_it_is_empty(self) -> bool:
        return any(line.lower().split() == [b"content-length:", b"0"] for line in self.lines)

    def _take_body(self, data: bytes) -> int | None:
        room = RESPONSE_BYTES - len(self.body)
        if len(data) > room:
            self.body += data[:room]
            self.truncated = True
            return _STOP
        self.body += data
        return None


def headers_of(lines: Sequence[bytes]) -> dict[str, str] | None:
    """Return the headers of a head's lines, the last of each name, or None where they are none."""
    found = {}
    for line in lines[1:-1]:
        name, _, value = line.decode("utf-8", "surrogateescape").partition(":")
        known = _known(name)
        if known is None:
            return None
        found[known] = value.strip()
    return found


@lru_cache(maxsize=1_024)
def _known(name: str) -> str | None:
    return name.lower() if is_header_name(name) else None
