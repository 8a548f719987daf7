"""`/event`: what happens in a browser, as the pages of the Open edX LMS tell it."""

import logging
from collections.abc import Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, QueryDict
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from trackside.django.contexts import course_context_from_url
from trackside.django.settings import current
from trackside.django.tracker import view_tracker
from trackside.django.users import user_of, username_of
from trackside.django.views.same_site import refuse_foreign
from trackside.sources.browser.allowed import is_allowed
from trackside.sources.browser.reading import (
    METHODS,
    MULTIPART,
    URLENCODED,
    BrowserEvent,
    check_size,
    is_json,
    json_object,
    kind_of,
    read_event,
    username_without_id,
    value_of,
)
from trackside.sources.browser.refused import Refused
from trackside.telemetry import catalogue

logger = logging.getLogger("trackside.django")

_LONGEST_NUMBER = 20


@never_cache  # an answer out of a cache would be an event that nobody has
@csrf_exempt  # `refuse_foreign` takes its place: navigator.sendBeacon can send no token
def user_track(request: HttpRequest) -> HttpResponse:
    """Emit the event in a request and answer `success`.

    It comes as parameters of a GET, or in the body of a POST: a form, or a JSON object, of any content type
    as `navigator.sendBeacon` sends it. The parameters are `event_type`, `event` (JSON; any other text is kept
    as text), `page` and `courserun_key`. What is no event is answered 4xx with one sentence and counted.
    """
    try:
        _emit(request, _read(request))
    except Refused as refused:
        catalogue.BROWSER_EVENTS_REFUSED.add(1, refused.reason)
        if refused.status == 405:
            return HttpResponseNotAllowed(METHODS)
        return HttpResponse(str(refused), status=refused.status, content_type="text/plain; charset=utf-8")
    return HttpResponse("success")


def _emit(request: HttpRequest, said: BrowserEvent) -> None:
    if not is_allowed(said.name, current().browser_events.names):
        # not the page's fault: it is told nothing, the operator is
        catalogue.BROWSER_EVENTS_REFUSED.add(1, "name_not_allowed")
        return
    tracker = view_tracker()
    if tracker is None:
        return
    context: dict[str, Any] = course_context_from_url(said.page, said.course_id)
    context |= {"username": username_of(request), "event_source": "browser", "page": said.page}
    with tracker.context("edx.course.browser", context):
        tracker.emit(said.name, _with_user_id(request, value_of(said.event)))


def _read(request: HttpRequest) -> BrowserEvent:
    """Return what a request says. Raises Refused."""
    if request.method not in METHODS:
        raise Refused(405, "method", "")
    refuse_foreign(request)
    fields = request.GET if request.method == "GET" else _body(request)
    return read_event(fields, name_chars=current().browser_events.name_chars)


def _body(request: HttpRequest) -> Mapping[str, Any]:
    most = current().browser_events.body_bytes
    length = str(request.META.get("CONTENT_LENGTH") or "0").strip()
    if not (length.isascii() and length.isdecimal() and len(length) < _LONGEST_NUMBER):
        raise Refused(400, "malformed", "the length of the body is no number")
    check_size(int(length), most)
    kind = kind_of(request.META.get("CONTENT_TYPE", ""))
    try:
        if hasattr(request, "_post") or kind == MULTIPART:
            return request.POST
        body = request.body
        check_size(len(body), most)
        if is_json(body, kind):
            return json_object(body)
        return request.POST if kind == URLENCODED else _as_form(body)
    except (BadRequest, SuspiciousOperation, MultiPartParserError) as error:
        raise Refused(400, "malformed", "the body cannot be read as a form") from error
    except UnreadablePostError as error:
        raise Refused(400, "gone", "the body did not arrive") from error


def _as_form(body: bytes) -> Mapping[str, Any]:
    return QueryDict(body.decode("utf-8", "replace"))


def _with_user_id(request: HttpRequest, data: Any) -> Any:
    """Return the data with the id of the user it names, where it names one and has no id."""
    username = username_without_id(data) if isinstance(data, dict) else None
    if username is None:
        return data
    try:
        if username_of(request) == username:
            return {**data, "user_id": user_of(request).pk}
        users = get_user_model()
        found = users._default_manager.filter(**{users.USERNAME_FIELD: username})  # noqa: SLF001
        user_id = found.values_list("pk", flat=True).first()
    except Exception as error:  # noqa: BLE001  # the event is worth more than the id
        logger.warning("The user an event names cannot be looked up", extra={"error": type(error).__name__})
        return data
    return data if user_id is None else {**data, "user_id": user_id}
