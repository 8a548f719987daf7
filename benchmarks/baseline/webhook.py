"""The view that Segment's servers post to, step by step as the platform's documentation describes it.

The sender is always answered 200 once its secret is right; an event that is not taken leaves a debug message.
"""

import hmac
import json
import logging
from typing import Any

from dateutil.parser import parse
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from eventtracking import tracker
from opaque_keys import InvalidKeyError
from opaque_keys.edx.keys import CourseKey

LOG = logging.getLogger(__name__)
FORUM_SCREEN = "edx.bi.app.navigation.screen"


class NotTakenError(Exception):
    """The call is one we want, but it lacks something."""


@csrf_exempt
@require_POST
def segment_event(request: HttpRequest) -> HttpResponse:
    """Emit one Segment call through the tracker."""
    call: dict[str, Any] = {}
    if "application/json" in request.META.get("CONTENT_TYPE", "") and request.body:
        try:
            call = json.loads(request.body.decode("utf-8"))
        except ValueError:
            return JsonResponse({"error": "Invalid JSON"}, status=400)
    expected, provided = settings.WEBHOOK_SECRET, request.GET.get("key")
    if not expected or not provided or not hmac.compare_digest(provided, expected):
        return HttpResponse(status=401)
    try:
        emit_call(call)
    except NotTakenError as reason:
        LOG.debug("%s: %s", reason, request.body)
    return HttpResponse(status=200)


def emit_call(call: dict[str, Any]) -> None:
    """Emit the call, or return where it is of no interest; raises NotTakenError where it is incomplete."""
    properties = call.get("properties") or {}
    segment_context = call.get("context") or {}
    library = (segment_context.get("library") or {}).get("name")
    event_source = settings.WEBHOOK_SOURCE_MAP.get(library)
    call_type = call.get("type")
    if not event_source or not call_type:
        return
    if call_type.lower() not in [allowed.lower() for allowed in settings.WEBHOOK_ALLOWED_TYPES]:
        return
    name = event_name(properties)
    if any(part.lower() in name.lower() for part in settings.WEBHOOK_DISALLOWED_SUBSTRINGS):
        return
    if not isinstance(properties.get("data"), dict):
        raise NotTakenError("data is missing or not an object")
    context = {"event_source": event_source, **client_context(properties, segment_context)}
    add_user(context, call.get("userId"))
    add_course(context)
    for key, field in (("timestamp", "timestamp"), ("received_at", "receivedAt")):
        if field not in call:
            raise NotTakenError(f"{field} is missing")
        context[key] = parse(call[field])
    context["ip"] = properties.get("context", {}).get("ip", "")
    for key in ("label", "course_id"):
        if key in properties:
            context[key] = properties[key]
    with tracker.get_tracker().context("edx.segmentio", context):
        tracker.emit(name, properties["data"])


def event_name(properties: dict[str, Any]) -> str:
    """Return what the event is called."""
    if "name" in properties:
        return str(properties["name"])
    if properties.get("label") == "Forum: View Thread":
        return FORUM_SCREEN
    raise NotTakenError("name is missing")


def client_context(properties: dict[str, Any], segment_context: dict[str, Any]) -> dict[str, Any]:
    """Return what the application and the device said of themselves."""
    application_context = properties.get("context", {})
    if not isinstance(application_context, dict):
        raise NotTakenError("context is not an object")
    context: dict[str, Any] = {}
    if "application" not in application_context:
        version = segment_context.get("app", {}).get("version", "")
        context["application"] = {"name": application_context.get("app_name", ""), "version": version}
    application_context.pop("app_name", None)
    if segment_context:
        left_out = ("traits", "integrations", "userAgent")
        context["client"] = {key: value for key, value in segment_context.items() if key not in left_out}
        context["agent"] = segment_context.get("userAgent", "")
    context.update(application_context)
    return context


def add_user(context: dict[str, Any], user_id: Any) -> None:
    """Put the account behind `user_id` into the context; raises NotTakenError where there is none."""
    if not user_id:
        raise NotTakenError("userId is missing")
    try:
        user = User.objects.get(pk=user_id)
    except User.DoesNotExist:
        raise NotTakenError("the user does not exist") from None
    except ValueError:
        raise NotTakenError("userId is not a number") from None
    context["user_id"] = user.id
    context["username"] = user.username


def add_course(context: dict[str, Any]) -> None:
    """Put the organisation that runs the course into the context, where the course can be understood."""
    course_id = context.get("course_id")
    if not course_id:
        return
    try:
        context["org_id"] = CourseKey.from_string(course_id).org
    except InvalidKeyError:
        LOG.warning("course_id %r cannot be parsed", course_id)
