"""What requests bring in the form that the platform's own tracker gives it, so that their lines in the tracking
log are those the platform itself would write: the context of the request, and the event.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Raw

from trackside.event import EMITTED, EMITTED_VALUE, Event
from trackside.sources.base import Request

_ENCODER = msgspec.json.Encoder()
_OPEN_BRACE = 0x7B
_MOST_HEADS = 512


def request_context(request: Request) -> dict[str, Any]:
    """Return what the middleware of a platform says of a request: of one with no session, and of nobody's."""
    get = request.headers.get
    return {
        "session": "",
        "user_id": None,
        "username": "",
        "ip": request.client_ip or "",
        "host": _host(get(b"host", b"")),
        "agent": get(b"user-agent", b"").decode("latin-1"),
        "path": request.path,
        "referer": get(b"referer", b"").decode("latin-1"),
        "accept_language": get(b"accept-language", b"").decode("latin-1"),
        "client_id": _client_id(request.headers),
        "course_id": "",
        "org_id": "",
        "enterprise_uuid": "",
    }


class RequestContexts:
    """The contexts of one source's requests, made once for those that have the same head: most of a client's do.

    The server shares the headers of such requests, so they are told by which object they are.
    """

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[tuple[int, str, str | None], tuple[Mapping[bytes, bytes], Mapping[str, Any]]] = {}

    def of(self, request: Request) -> Mapping[str, Any]:
        """Return the context of a request, which nobody may change."""
        headers = request.headers
        key = (id(headers), request.path, request.client_ip)
        known = self._known.get(key)
        if known is not None and known[0] is headers:
            return known[1]
        context = request_context(request)
        if len(self._known) >= _MOST_HEADS:
            self._known.clear()
        self._known[key] = (headers, context)
        return context


def time_text(moment: datetime) -> Raw:
    """Return a time, which is in UTC, as JSON in the form the platform writes: what `isoformat` says of it."""
    return Raw(_ENCODER.encode(moment)[:-2] + b'+00:00"')  # a tenth of isoformat's time


def platform_event(
    name: str,
    data: Raw,
    context: Mapping[str, object],
    *,
    id: str,  # noqa: A002  # the field's name
    source: str,
    timestamp: datetime,
    received_at: datetime,
    user_id: int | str | None,
    type: str = "track",  # noqa: A002  # the field's name
    **envelope: Any,
) -> Event:
    """Return the event as if the platform had emitted it with this name, data and whole context.

    `data` and the Raw values in `context` are JSON ready to be stored; `envelope` are further fields of `Event`.
    """
    is_object = bytes(data)[0] == _OPEN_BRACE
    return Event(
        id=id,
        name=name,
        type=type,
        source=source,
        timestamp=timestamp,
        received_at=received_at,
        data=data if is_object else Raw(b'{"value":%b}' % bytes(data)),
        context=Raw(_ENCODER.encode(context)),
        user_id=None if user_id is None else str(user_id) or None,
        extra=EMITTED if is_object else EMITTED_VALUE,
        **envelope,
    )


def _host(header: bytes) -> str:
    """Return the host of a Host header, without its port."""
    text = header.decode("latin-1")
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0]


def _client_id(headers: Mapping[bytes, bytes]) -> str | None:
    """Return Google Analytics' id of the browser: of the cookie `_ga=GA1.2.A.B` that is `A.B`."""
    cookies = headers.get(b"cookie", b"")
    if b"_ga=" in cookies:
        for cookie in cookies.decode("latin-1").split(";"):
            name, _, value = cookie.strip().partition("=")
            if name == "_ga":
                return ".".join(value.strip('"').split(".")[2:])
    header = headers.get(b"x-edx-ga-client-id")
    return None if header is None else header.decode("latin-1")
