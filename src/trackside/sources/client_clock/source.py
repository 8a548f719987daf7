"""Reports of clients with their own clock in, events and the analytics page's answer out."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from secrets import randbits
from typing import Final

from trackside.clock import FIRST_YEAR, LAST_YEAR, ClientClock, Correction
from trackside.config.settings import LimitSettings
from trackside.event import Event, Reject
from trackside.sources.base import Decoded, Reply, Request
from trackside.sources.client_clock.refusal import OUT_OF_BOUNDS
from trackside.sources.client_clock.report import Report, read_report
from trackside.sources.client_clock.settings import AppRtcSettings
from trackside.sources.json_text import is_deeper
from trackside.sources.message_id import new_id
from trackside.sources.origins import Answers, Origins, preflight
from trackside.sources.platform import RequestContexts, platform_event
from trackside.sources.refusal import INVALID_UTF8, TOO_DEEP, RefusedError, too_large

REJECT_BYTES = 8_192
UNKNOWN_NAME = "unknown"
"""The name of an event whose type is an empty text; the same as the tracker's for one without a name."""
_INVALID_BODY = b'{"result": "INVALID_REQUEST"}'
_SUCCESS: Final = Reply(status=200, body=b'{"result": "SUCCESS"}')
_INVALID: Final = Reply(status=200, body=_INVALID_BODY)
_NOT_ALLOWED: Final = Reply(status=405, body=_INVALID_BODY, headers=((b"allow", b"POST"),))
_FOREIGN: Final = Reply(status=403, body=_INVALID_BODY)
_SOURCES: Final = {"JS": "browser", "IOS": "mobile", "ANDROID": "mobile"}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_MS: Final = (datetime(FIRST_YEAR, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds() * 1000
_LAST_MS: Final = (datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds() * 1000


class AppRtc:
    """The source behind one path; its name is the configured one."""

    __slots__ = (
        "_contexts",
        "_invalid",
        "_limits",
        "_name",
        "_origins",
        "_paths",
        "_random_bits",
        "_success",
    )

    def __init__(
        self,
        name: str,
        settings: AppRtcSettings,
        *,
        limits: LimitSettings,
        random_bits: Callable[[int], int] = randbits,
    ) -> None:
        bare = settings.path.removesuffix("/")
        self._name = name
        self._paths = frozenset({bare, bare + "/"})
        self._limits = limits
        self._origins = Origins(settings.origins or ("*",))
        self._random_bits = random_bits
        self._contexts = RequestContexts()
        self._success = Answers(_SUCCESS, self._origins)
        self._invalid = Answers(_INVALID, self._origins)

    def handles(self, path: str) -> bool:
        """Return whether requests for `path` are for this source."""
        return path in self._paths

    def decode(self, request: Request) -> Decoded:
        """Return the event, or the reject, and the answer a request leads to. Never raises."""
        origin = request.headers.get(b"origin", b"")
        if origin and not self._origins.has(origin):
            return Decoded(reply=_FOREIGN, source=self._name, ignored=("origin_not_allowed",))
        if request.method != "POST":
            reply = preflight(request, self._origins) if request.method == "OPTIONS" else _NOT_ALLOWED
            return Decoded(reply=reply, source=self._name)
        try:
            event = self._event(request, origin)
        except RefusedError as error:
            refusal = error.refusal
        except RecursionError:
            refusal = TOO_DEEP
        else:
            return Decoded(reply=self._success.to(origin), events=(event,), source=self._name)
        reject = Reject(
            source=self._name,
            received_at=request.received_at,
            reason=refusal.reason,
            detail=refusal.detail,
            body=request.body[:REJECT_BYTES],
        )
        return Decoded(reply=self._invalid.to(origin), rejects=(reject,), source=self._name)

    def _event(self, request: Request, origin: bytes) -> Event:
        body = request.body
        _check(body, self._limits)
        report = read_report(body)
        correction = _placed(report, request.received_at)
        context = {
            **self._contexts.of(request),
            "event_source": _event_source(report.client_type, origin),
        }
        return platform_event(
            report.event_type or UNKNOWN_NAME,
            report.data,
            context,
            id=new_id(request.received_at, self._random_bits),
            source=self._name,
            timestamp=correction.timestamp,
            received_at=request.received_at,
            user_id=None,
            original_timestamp=report.event_time,
            sent_at=report.request_time,
            skew_ms=correction.skew_ms,
            clock_flags=correction.flags,
        )


def _check(body: bytes, limits: LimitSettings) -> None:
    """Raise RefusedError where a body is not even worth reading."""
    if len(body) > limits.event_bytes:
        raise RefusedError(too_large(len(body), limits.event_bytes))
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError:
            raise RefusedError(INVALID_UTF8) from None
    if is_deeper(body, limits.depth):
        raise RefusedError(TOO_DEEP)


def _placed(report: Report, received_at: datetime) -> Correction:
    """Return when the event happened: event_time + (receive - request), never later than the receipt."""
    corrected_ms = report.event_ms + (received_at.timestamp() * 1000 - report.request_ms)
    if not _FIRST_MS <= corrected_ms < _LAST_MS:
        raise RefusedError(OUT_OF_BOUNDS)
    try:
        happened = _EPOCH + timedelta(milliseconds=report.event_ms)
        sent = _EPOCH + timedelta(milliseconds=report.request_ms)
    except OverflowError:  # beyond the year 9999
        raise RefusedError(OUT_OF_BOUNDS) from None
    return ClientClock(received_at, sent).place(happened)


def _event_source(client_type: str | None, origin: bytes) -> str:
    """Return what the platform calls whoever reported: a page says its origin, where it does not say its kind."""
    return _SOURCES.get(client_type or "") or ("browser" if origin else "server")
