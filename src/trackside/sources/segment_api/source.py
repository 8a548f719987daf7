"""Requests of Segment's SDKs in, events and the answer out."""

from collections.abc import Callable, Collection, Mapping
from secrets import randbits

import msgspec

from trackside.config.settings import LimitSettings
from trackside.event import Reject
from trackside.sources import cors
from trackside.sources.base import Decoded, Reply, Request
from trackside.sources.refusal import TOO_DEEP, Refusal, RefusedError
from trackside.sources.segment_api import routes
from trackside.sources.segment_api.credentials import WriteKeys
from trackside.sources.segment_api.discovery import public_address, rudder_source_config, segment_settings
from trackside.sources.segment_api.intake import Intake
from trackside.sources.segment_api.pixel import pixel_event
from trackside.sources.segment_api.refusal import INVALID_KEY
from trackside.sources.segment_api.replies import OK, PIXEL, failure, refused
from trackside.sources.segment_api.routes import Kind, Route

REQUEST_REJECT_BYTES = 1_024
"""How much of a request that was not taken at all is kept: enough to see what it was."""


class SegmentApi:
    """The source behind all paths of Segment's HTTP API, for all configured write keys."""

    __slots__ = ("_intake", "_keys", "_limits", "_public_url", "write_keys")

    def __init__(
        self,
        keys: Mapping[str, str],
        *,
        limits: LimitSettings,
        public_url: str = "",
        forwarders: Collection[str] = (),
        random_bits: Callable[[int], int] = randbits,
    ) -> None:
        """`keys` gives each write key its source; `forwarders` are sources that may send a tracker's own events."""
        self.write_keys = tuple(keys)
        self._keys = WriteKeys(keys)
        self._limits = limits
        self._intake = Intake(self._keys, limits, random_bits, frozenset(forwarders))
        self._public_url = public_url

    def handles(self, path: str) -> bool:
        """Return whether requests for `path` are for this source."""
        return routes.handles(path)

    def decode(self, request: Request) -> Decoded:
        """Return the events, the rejects and the answer a request leads to. Never raises."""
        if request.method == "OPTIONS":
            return Decoded(reply=Reply(status=204, headers=cors.preflight_headers(request.headers)))
        route = routes.find_route(request.path)
        if route is None:
            return Decoded(reply=failure(404, "not_found", "there is nothing at this path"))
        if request.method not in route.methods:
            allow = ", ".join(sorted(route.methods)).encode()
            message = f"{request.method[:20]} is not for this path; use {allow.decode()}"
            return Decoded(reply=failure(405, "method_not_allowed", message, ((b"allow", allow),)))
        try:
            return self._decode(request, route)
        except RefusedError as error:
            return _refuse(request, route, error.refusal)
        except RecursionError:  # at thousands of levels the decoder will not even skip over them
            return _refuse(request, route, TOO_DEEP)

    def _decode(self, request: Request, route: Route) -> Decoded:
        match route.kind:
            case Kind.EVENT:
                return self._intake.take_event(request, request.body, route.type)
            case Kind.BATCH:
                return self._intake.take_batch(request)
            case Kind.PIXEL:
                return self._pixel(request, route)
            case Kind.METRICS:
                return Decoded(reply=OK, discarded=1)
            case Kind.SETTINGS:
                return self._settings(request, route)
            case Kind.SOURCE_CONFIG:
                return self._source_config(request)

    def _pixel(self, request: Request, route: Route) -> Decoded:
        text = pixel_event(request.query, depth=self._limits.depth)
        if isinstance(text, Refusal):
            raise RefusedError(text)
        return msgspec.structs.replace(self._intake.take_event(request, text, route.type), reply=PIXEL)

    def _settings(self, request: Request, route: Route) -> Decoded:
        source = self._keys.source_of_key(route.write_key)
        if source is None:
            return Decoded(reply=failure(404, INVALID_KEY.reason, INVALID_KEY.detail))
        address = public_address(self._public_url, request)
        return Decoded(reply=segment_settings(route.write_key, address), source=source)

    def _source_config(self, request: Request) -> Decoded:
        source = self._keys.source_of_header(
            request.headers.get(b"authorization")
        ) or self._keys.source_of_query(request.query)
        if source is None:
            return Decoded(reply=failure(404, INVALID_KEY.reason, INVALID_KEY.detail))
        return Decoded(reply=rudder_source_config(source), source=source)


def _refuse(request: Request, route: Route, refusal: Refusal) -> Decoded:
    """Return the answer to a request of which nothing was taken; a pixel is always answered the picture."""
    is_pixel = route.kind is Kind.PIXEL
    reject = Reject(
        source="",
        received_at=request.received_at,
        reason=refusal.reason,
        detail=refusal.detail,
        body=(request.query if is_pixel else request.body)[:REQUEST_REJECT_BYTES],
    )
    return Decoded(reply=PIXEL if is_pixel else refused(refusal), rejects=(reject,))
