"""`/event`: what happens in a browser, as the pages of the Open edX LMS tell it."""

import json
import logging
from collections.abc import Mapping
from typing import Any, NamedTuple

from django.contrib.auth import get_user_model
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, QueryDict
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from trackside.django.contexts import course_context_from_url
from trackside.django.settings import current
from trackside.django.tracker import default_tracker
from trackside.django.users import user_of, username_of
from trackside.django.views.allowed import is_allowed
from trackside.django.views.refused import Refused
from trackside.django.views.same_site import refuse_foreign
from trackside.telemetry import catalogue

logger = logging.getLogger("trackside.django")

_LONGEST_NUMBER = 20
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


class BrowserEvent(NamedTuple):
    """What a browser said."""

    name: str | None
    data: Any
    page: str | None
    course_id: str | None


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
            return HttpResponseNotAllowed(["GET", "POST"])
        return HttpResponse(str(refused), status=refused.status, content_type="text/plain; charset=utf-8")
    return HttpResponse("success")


def _emit(request: HttpRequest, said: BrowserEvent) -> None:
    if not is_allowed(said.name, current().browser_events.names):
        # not the page's fault: it is told nothing, the operator is
        catalogue.BROWSER_EVENTS_REFUSED.add(1, "name_not_allowed")
        return
    tracker = default_tracker()
    if tracker is None:
        return
    context: dict[str, Any] = course_context_from_url(said.page, said.course_id)
    context |= {"username": username_of(request), "event_source": "browser", "page": said.page}
    with tracker.context("edx.course.browser", context):
        tracker.emit(said.name, _with_user_id(request, said.data))


def _read(request: HttpRequest) -> BrowserEvent:
    """Return what a request says. Raises Refused."""
    if request.method not in {"GET", "POST"}:
        raise Refused(405, "method", "")
    refuse_foreign(request)
    fields = request.GET if request.method == "GET" else _body(request)
    name, longest = _text(fields, "event_type"), current().browser_events.name_chars
    if name and len(name) > longest:
        raise Refused(400, "malformed", f"event_type has {len(name)} characters; want at most {longest}")
    page, course_id = _text(fields, "page"), _text(fields, "courserun_key")
    return BrowserEvent(name, _data(fields.get("event")), page, course_id)


def _text(fields: Mapping[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if isinstance(value, str | None):
        return value
    raise Refused(400, "malformed", f"{name} must be a text")


def _body(request: HttpRequest) -> Mapping[str, Any]:
    most = current().browser_events.body_bytes
    length = str(request.META.get("CONTENT_LENGTH") or "0").strip()
    if not (length.isascii() and length.isdecimal() and len(length) < _LONGEST_NUMBER):
        raise Refused(400, "malformed", "the length of the body is no number")
    if int(length) > most:
        raise Refused(413, "too_large", f"the body has {length} bytes; want at most {most}")
    kind = request.META.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    try:
        if hasattr(request, "_post") or kind == "multipart/form-data":
            return request.POST
        body = request.body
        if len(body) > most:
            raise Refused(413, "too_large", f"the body has {len(body)} bytes; want at most {most}")
        if kind not in _FORMS and body.lstrip()[:1] in {b"{", b"["}:
            return _json_object(body)
        return request.POST if kind in _FORMS else _as_form(body)
    except (BadRequest, SuspiciousOperation, MultiPartParserError) as error:
        raise Refused(400, "malformed", "the body cannot be read as a form") from error
    except UnreadablePostError as error:
        raise Refused(400, "gone", "the body did not arrive") from error


def _as_form(body: bytes) -> Mapping[str, Any]:
    return QueryDict(body.decode("utf-8", "replace"))


def _json_object(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Refused(400, "malformed", "the body is not valid JSON") from error
    if not isinstance(found, dict):
        raise Refused(400, "malformed", "the body must be a JSON object")
    return found


def _data(event: Any) -> Any:
    if not isinstance(event, str) or not event:
        return event
    try:
        return json.loads(event, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return event


def _no_number(literal: str) -> None:
    raise ValueError(f"{literal} is not JSON")


def _with_user_id(request: HttpRequest, data: Any) -> Any:
    """Return the data with the id of the user it names, where it names one and has no id."""
    if not isinstance(data, dict) or "username" not in data or "user_id" in data:
        return data
    username = data["username"]
    if not isinstance(username, str) or not username or "\x00" in username:
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
