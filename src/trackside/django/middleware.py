"""Gives events their request: whatever is emitted while a request runs carries its context."""

import logging
import re
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from trackside.django.event_transaction import no_transaction_outlives
from trackside.django.request_context import request_context
from trackside.django.request_event import request_payload
from trackside.django.settings import current
from trackside.django.tracker import default_tracker
from trackside.django.views.server import server_track

logger = logging.getLogger("trackside.django")

CONTEXT_NAME = "edx.request"

GetResponse = Callable[[HttpRequest], HttpResponseBase] | Callable[[HttpRequest], Awaitable[HttpResponseBase]]


class TrackMiddleware:
    """Enters the context `edx.request` around each request, and emits an event for each that is not ignored.

    Stands after the session and authentication middleware. Works in synchronous and asynchronous stacks;
    a fault in it never costs the request.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self._asynchronous = iscoroutinefunction(get_response)
        if self._asynchronous:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Return the response of what is further in."""
        if self._asynchronous:
            return self._call_async(request)
        get_response = cast("Callable[[HttpRequest], HttpResponseBase]", self.get_response)
        tracker = default_tracker()
        if tracker is None:
            return get_response(request)
        with no_transaction_outlives(), tracker.context(CONTEXT_NAME, _context(request, None)):
            emit_request(request)
            return get_response(request)

    async def _call_async(self, request: HttpRequest) -> HttpResponseBase:
        get_response = cast("Callable[[HttpRequest], Awaitable[HttpResponseBase]]", self.get_response)
        tracker = default_tracker()
        if tracker is None:
            return await get_response(request)
        user = await _user(request)
        with no_transaction_outlives(), tracker.context(CONTEXT_NAME, _context(request, user)):
            emit_request(request)
            return await get_response(request)


def emit_request(request: HttpRequest) -> None:
    """Emit the event that the request is by itself, unless it is ignored. Never raises."""
    settings = current().requests
    path = str(request.META.get("PATH_INFO", ""))
    if not settings.emit or any(pattern.match(path) for pattern in _compiled(settings.ignore_url_patterns)):
        return
    try:
        event: Any = request_payload(request)
    except Exception as error:  # noqa: BLE001  # the border: whatever a client sent, its request goes on
        logger.warning("The event of a request cannot be made", extra={"error": type(error).__name__})
        event = {"event-type": "exception", "exception": repr(type(error))}
    server_track(request, path, event)


def _context(request: HttpRequest, user: Any) -> dict[str, Any]:
    try:
        return request_context(request, user)
    except Exception as error:  # noqa: BLE001  # see emit_request
        logger.warning("The context of a request cannot be told", extra={"error": type(error).__name__})
        return {}


async def _user(request: HttpRequest) -> Any:
    find = getattr(request, "auser", None)
    if find is None:
        return None
    try:
        return await find()
    except Exception as error:  # noqa: BLE001  # see emit_request
        logger.warning("The user of a request cannot be told", extra={"error": type(error).__name__})
        return None


@lru_cache(maxsize=16)
def _compiled(patterns: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern) for pattern in patterns)


__all__ = ["CONTEXT_NAME", "TrackMiddleware", "emit_request"]
