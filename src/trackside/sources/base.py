"""What a source is given and what it gives back."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from trackside.event import Event, Reject
from trackside.users.base import Directory, Wanted


class Request(Struct, frozen=True, kw_only=True, gc=False):
    """One HTTP request, its body complete and its content encoding undone."""

    method: str
    path: str
    """Percent-decoded, as routed, without a configured prefix."""
    query: bytes
    """The raw query string, without the question mark."""
    headers: Mapping[bytes, bytes]
    """Names in lower case; of a repeated header the last one."""
    body: bytes
    received_at: datetime
    """When the head of the request was here; aware, UTC."""
    client_ip: str | None
    """Address of the client, trusted proxies taken into account; None where it is unknown."""
    scheme: str = "http"
    """http or https, as the client sees it; trusted proxies taken into account."""


class Reply(Struct, frozen=True, kw_only=True, gc=False):
    """What the client is answered."""

    status: int
    body: bytes = b""
    content_type: bytes = b"application/json"
    headers: Sequence[tuple[bytes, bytes]] = ()


class Decoded(Struct, frozen=True, kw_only=True, gc=False):
    """What a request meant. `reply` is sent once events and rejects are durable."""

    reply: Reply
    events: Sequence[Event] = ()
    rejects: Sequence[Reject] = ()
    source: str = ""
    """Name of the source whose key the request had; "" where it had none, or several."""
    discarded: int = 0
    """How many things were taken and thrown away on purpose: an SDK's measurements of itself."""
    ignored: Sequence[str] = ()
    """Why items were none of ours, one stable word for each: `type_not_allowed`, …; they are only counted."""


class NeedsUsers(Struct, frozen=True, kw_only=True, gc=False):
    """The request cannot be decoded before some users are in the memory of their directory.

    Whoever asked calls `directory.load(wanted)`, which may wait for a database, and has the request decoded again.
    """

    directory: Directory
    wanted: frozenset[Wanted]
    source: str
    otherwise: Decoded | None = None
    """What the request means where the users cannot be looked up; None: the client is told to come again."""


class Source(Protocol):
    """Decodes one protocol. Never raises for any input: what is wrong becomes a reject and a reply."""

    def handles(self, path: str) -> bool:
        """Return whether requests for `path` are for this source; asked for every request."""
        ...

    def decode(self, request: Request) -> Decoded | NeedsUsers:
        """Return the events, the rejects and the reply this request leads to. Waits for nothing."""
        ...
