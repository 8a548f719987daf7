"""Requests of pages in, events and the LMS's answer out."""

from collections.abc import Callable
from secrets import randbits
from typing import Final
from urllib.parse import urlsplit

from msgspec import Raw

from trackside.config.settings import LimitSettings
from trackside.courses import course_context_from_url
from trackside.event import Event, Reject
from trackside.sources.base import Decoded, NeedsUsers, Reply, Request
from trackside.sources.browser.allowed import is_allowed
from trackside.sources.browser.fields import read_request
from trackside.sources.browser.reading import METHODS, BrowserEvent
from trackside.sources.browser.refused import Refused
from trackside.sources.browser.settings import BrowserSettings
from trackside.sources.browser.stored import stored_data, with_user_id
from trackside.sources.message_id import new_id
from trackside.sources.origins import Answers, Origins, preflight
from trackside.sources.platform import RequestContexts, platform_event
from trackside.users.base import Directory, NotLoadedError

REJECT_BYTES = 8_192
UNKNOWN_NAME = "unknown"
"""The name of an event without one; the same as the tracker's."""
ANONYMOUS = "anonymous"
"""The username of a request that nobody is logged in for: the server has no sessions of the platform."""
_TEXT: Final = b"text/plain; charset=utf-8"
_NO_STORE: Final = ((b"cache-control", b"no-store"),)
"""An answer out of a cache would be an event that nobody has."""
_SUCCESS: Final = Reply(status=200, body=b"success", content_type=_TEXT, headers=_NO_STORE)
_ALLOW: Final = ", ".join(METHODS).encode()
_NOT_ALLOWED: Final = Reply(status=405, content_type=_TEXT, headers=((b"allow", _ALLOW), *_NO_STORE))
_FOREIGN: Final = Reply(
    status=403, body=b"events of another site are not taken", content_type=_TEXT, headers=_NO_STORE
)


class Browser:
    """The source behind one path; its name is the configured one."""

    __slots__ = (
        "_contexts",
        "_directory",
        "_limits",
        "_name",
        "_origins",
        "_own_host",
        "_paths",
        "_random_bits",
        "_settings",
        "_success",
    )

    def __init__(
        self,
        name: str,
        settings: BrowserSettings,
        *,
        limits: LimitSettings,
        directory: Directory,
        public_url: str = "",
        random_bits: Callable[[int], int] = randbits,
    ) -> None:
        bare = settings.path.removesuffix("/")
        self._name = name
        self._settings = settings
        self._paths = frozenset({bare, bare + "/"})
        self._limits = limits
        self._directory = directory
        self._origins = Origins(settings.origins)
        self._own_host = urlsplit(public_url).netloc.lower().encode()
        self._random_bits = random_bits
        self._contexts = RequestContexts()
        self._success = Answers(_SUCCESS, self._origins)

    def handles(self, path: str) -> bool:
        """Return whether requests for `path` are for this source."""
        return path in self._paths

    def decode(self, request: Request) -> Decoded | NeedsUsers:
        """Return the event, or the reject, and the answer a request leads to. Never raises."""
        is_preflight = request.method == "OPTIONS"
        if request.method not in METHODS and not is_preflight:
            return Decoded(reply=_NOT_ALLOWED, source=self._name)
        origin = request.headers.get(b"origin", b"")
        if not self._may_send(request, origin):
            return Decoded(reply=_FOREIGN, source=self._name, ignored=("origin_not_allowed",))
        if is_preflight:
            return Decoded(reply=preflight(request, self._origins), source=self._name)
        try:
            return self._take(request, origin)
        except Refused as refused:
            return self._refuse(request, origin, refused)
        except RecursionError:
            return self._refuse(request, origin, Refused(400, "malformed", "the event is nested too deeply"))

    def _may_send(self, request: Request, origin: bytes) -> bool:
        """Return where no browser says that another site made it send this."""
        if not origin:
            foreign = request.headers.get(b"sec-fetch-site") == b"cross-site"
            return not foreign or self._origins.is_any
        host = origin.partition(b"://")[2]
        is_own = bool(host) and (host == request.headers.get(b"host") or host == self._own_host)
        return is_own or self._origins.has(origin)

    def _take(self, request: Request, origin: bytes) -> Decoded | NeedsUsers:
        settings, depth = self._settings, self._limits.depth
        said = read_request(
            request, body_bytes=settings.body_bytes, name_chars=settings.name_chars, depth=depth
        )
        reply = self._success.to(origin)
        if not is_allowed(said.name, settings.names):
            # not the page's fault: it is told nothing, the operator is
            return Decoded(reply=reply, source=self._name, ignored=("name_not_allowed",))
        data = stored_data(said.event, depth=depth)
        size_bytes, most_bytes = len(data) + len(said.page or ""), self._limits.event_bytes
        if size_bytes > most_bytes:
            message = f"the event has {size_bytes} bytes; want at most {most_bytes} (limits.event_bytes)"
            raise Refused(413, "too_large", message)
        try:
            data = with_user_id(data, self._directory)
        except NotLoadedError as missing:
            # no page sends an event again: it is worth more than the id
            events = (self._event(request, said, data),)
            return NeedsUsers(
                directory=self._directory,
                wanted=frozenset({missing.wanted}),
                source=self._name,
                otherwise=Decoded(reply=reply, events=events, source=self._name),
            )
        return Decoded(reply=reply, events=(self._event(request, said, data),), source=self._name)

    def _event(self, request: Request, said: BrowserEvent, data: bytes) -> Event:
        context = {
            **self._contexts.of(request),
            **course_context_from_url(said.page, said.course_id),
            "username": ANONYMOUS,
            "event_source": "browser",
            "page": said.page,
        }
        return platform_event(
            said.name or UNKNOWN_NAME,
            Raw(data),
            context,
            id=new_id(request.received_at, self._random_bits),
            source=self._name,
            timestamp=request.received_at,
            received_at=request.received_at,
            user_id=None,
        )

    def _refuse(self, request: Request, origin: bytes, refused: Refused) -> Decoded:
        message = str(refused)
        reply = Reply(status=refused.status, body=message.encode(), content_type=_TEXT, headers=_NO_STORE)
        reject = Reject(
            source=self._name,
            received_at=request.received_at,
            reason=refused.reason,
            detail=message,
            body=(request.query if request.method == "GET" else request.body)[:REJECT_BYTES],
        )
        if origin:
            reply = self._origins.readable(reply, origin)
        return Decoded(reply=reply, rejects=(reject,), source=self._name)
