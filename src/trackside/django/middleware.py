"""Gives events their request: whatever is emitted while a request runs carries its context."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from trackside.django.acting_user import CURRENT, AskedBy
from trackside.django.event_transaction import forget
from trackside.django.patterns import compiled
from trackside.django.request_context import request_context
from trackside.django.request_event import request_payload
from trackside.django.settings import current
from trackside.django.tracker import default_tracker
from trackside.django.users import await_user
from trackside.django.views.server import is_look_at_the_logs
from trackside.tracker import Tracker

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
        time = _RequestTime(tracker)
        try:
            time.begin(request)
            return get_response(request)
        finally:
            time.end()

    async def _call_async(self, request: HttpRequest) -> HttpResponseBase:
        get_response = cast("Callable[[HttpRequest], Awaitable[HttpResponseBase]]", self.get_response)
        tracker = default_tracker()
        if tracker is None:
            return await get_response(request)
        await _know_user(request)
        time = _RequestTime(tracker)
        try:
            time.begin(request)
            return await get_response(request)
        finally:
            time.end()


class _RequestTime:
    """The time a request takes. Its event is emitted at the beginning; its context and transaction end with it."""

    __slots__ = ("_located", "_outer", "_outer_asked", "_tracker")

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        self._located = tracker.located_context
        self._outer = self._located.get(CONTEXT_NAME) if len(self._located) else None
        self._outer_asked = CURRENT.get()

    def begin(self, request: HttpRequest) -> None:
        context = _context(request)
        path = str(request.META.get("PATH_INFO") or "")
        if _is_event(request, path):
            # one context in the place of two, as if `server_track` emitted it, in half the time
            self._located[CONTEXT_NAME] = _of_event(context)
            self._tracker.emit(path, _payload(request))
        self._located[CONTEXT_NAME] = context
        CURRENT.set(AskedBy(request, context))

    def end(self) -> None:
        CURRENT.set(self._outer_asked)
        if self._outer is None:
            self._located.pop(CONTEXT_NAME, None)
        else:
            self._located[CONTEXT_NAME] = self._outer
        forget()  # the thread's next request is another transaction


def _of_event(context: dict[str, Any]) -> dict[str, Any]:
    username = context.get("username", "") if context.get("user_id", "") != "" else "anonymous"
    return {**context, "username": username, "event_source": "server", "page": None}


def _is_event(request: HttpRequest, path: str) -> bool:
    settings = current().requests
    for pattern in compiled(settings.ignore_url_patterns):
        if pattern.match(path):
            return False
    return settings.emit and not is_look_at_the_logs(request, path)


def _payload(request: HttpRequest) -> Any:
    try:
        return request_payload(request)
    except Exception as error:  # noqa: BLE001  # the border: whatever a client sent, its request goes on
        logger.warning("The event of a request cannot be made", extra={"error": type(error).__name__})
        return {"event-type": "exception", "exception": repr(type(error))}


def _context(request: HttpRequest) -> dict[str, Any]:
    try:
        return request_context(request)
    except Exception as error:  # noqa: BLE001  # see _payload
        logger.warning("The context of a request cannot be told", extra={"error": type(error).__name__})
        return {}


async def _know_user(request: HttpRequest) -> None:
    try:
        await await_user(request)
    except Exception as error:  # noqa: BLE001  # see _payload
        logger.warning("The user of a request cannot be told", extra={"error": type(error).__name__})
