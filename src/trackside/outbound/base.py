"""What goes out, and what comes back: the contract of the one HTTP client behind everything that leaves."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final, Protocol

from msgspec import Struct

from trackside.outbound.tls import TlsFiles

RESPONSE_BYTES = 65_536
"""So much of an answer's body is read; what is behind it is nobody's business."""


KEPT_IDLE_S: Final = 30.0
"""So long a connection waits for its next request."""
USER_AGENT: Final = "Trackside"


def default_headers(user_agent: str) -> dict[str, str]:
    """Return what every request says that does not say otherwise."""
    return {"User-Agent": user_agent, "Accept": "*/*", "Accept-Encoding": "identity"}


class Outgoing(Struct, frozen=True, kw_only=True, gc=False):
    """One request. Its body goes out as it is, byte for byte."""

    url: str
    body: bytes
    headers: Sequence[tuple[str, str]] = ()
    """Host, Content-Length and Connection are the client's; a name here takes the place of its own default."""
    method: str = "POST"
    tls: TlsFiles | None = None
    """Whom to trust and who we are with this request; None: as the client's own settings say."""
    timeout_s: float = 15.0
    """From the beginning to the last byte of the answer that is read: name, connection, everything."""


class Answer(Struct, frozen=True, kw_only=True, gc=False):
    """The other side answered, whatever it said; redirects are answers and are not followed."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case; of a repeated header the last one."""
    body: bytes
    """Its first `RESPONSE_BYTES`, its content encoding not undone."""
    truncated: bool = False
    """Whether there was more of the body, or it broke off, or took too long: the status stands all the same."""
    duration_s: float = 0.0


class Fault(StrEnum):
    """Why there is no answer."""

    TIMEOUT = "timeout"
    """The time was up before a whole head was here."""
    UNRESOLVED = "unresolved"
    """The name leads to no address, or cannot be resolved now."""
    UNREACHABLE = "unreachable"
    """No connection to any of its addresses."""
    REFUSED_ADDRESS = "refused_address"
    """The policy forbids an address, a port or the URL itself: nothing was sent."""
    TLS = "tls_error"
    """The certificate is not good, or there is no protocol in common."""
    RESET = "reset"
    """The connection was torn down while the request was under way."""
    CLOSED = "closed"
    """The connection was closed without an answer."""
    PROTOCOL = "protocol_error"
    """What came is no HTTP, or more of it than any answer's head has."""
    PROXY = "proxy"
    """The operator's own proxy did not do its part: not the other side's fault."""
    LOCAL = "local"
    """This process could not try: no file descriptors, no memory, it is stopping."""


class Failed(Struct, frozen=True, kw_only=True, gc=False):
    """There is no answer."""

    fault: Fault
    detail: str
    """One sentence for people; it holds no secret and not the path of the URL."""
    maybe_sent: bool = True
    """Whether the other side may have received the request."""
    duration_s: float = 0.0

    @property
    def is_ours(self) -> bool:
        """Whether the fault is on our side, so that it must not count against the other."""
        return self.fault in {Fault.PROXY, Fault.LOCAL}


class Client(Protocol):
    """Sends requests over kept connections. Belongs to the event loop it was opened in."""

    async def send(self, request: Outgoing) -> Answer | Failed:
        """Return what came back. Raises only CancelledError."""
        ...

    async def close(self) -> None:
        """Close all connections; requests under way fail as LOCAL."""
        ...


class Lease:
    """What one user of a shared client has in it; requests are sent in its name."""

    __slots__ = ("is_over",)

    def __init__(self) -> None:
        self.is_over = False
        """Nothing more is sent."""


class LeasedClient(Client, Protocol):
    """A client that several share."""

    async def send(self, request: Outgoing, lease: Lease | None = None) -> Answer | Failed:
        """Return what came back; LOCAL where the lease is over. Raises only CancelledError."""
        ...

    def end_of(self, lease: Lease) -> None:
        """Let the requests under way of a lease fail as LOCAL, unless their status is known already."""
        ...
