"""Puts what is known of the request into the tracker's context while the request runs."""

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from eventtracking import tracker

COURSE_IN_URL = re.compile(r"^.*?/courses/(?P<course_id>[^/+]+[/+][^/+]+[/+][^/?]+)")
IGNORED = [re.compile(pattern) for pattern in settings.IGNORED_URL_PATTERNS]
HEADERS = {
    "host": "SERVER_NAME",
    "agent": "HTTP_USER_AGENT",
    "path": "PATH_INFO",
    "referer": "HTTP_REFERER",
    "accept_language": "HTTP_ACCEPT_LANGUAGE",
}


class RequestContextMiddleware:
    """Every event emitted while a request runs carries its context; most requests are events themselves."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        current = tracker.get_tracker()
        current.enter_context("edx.request", request_context(request))
        try:
            if not any(pattern.match(request.path_info) for pattern in IGNORED):
                payload = json.dumps({"GET": dict(request.GET), "POST": dict(request.POST)})[:512]
                with current.context("edx.course.server", {"event_source": "server", "page": None}):
                    current.emit(request.path_info, payload)
            return self.get_response(request)
        finally:
            current.exit_context("edx.request")


def request_context(request: HttpRequest) -> dict[str, Any]:
    """Return who asked, from where, and about which course."""
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")[0].strip()
    cookie = request.COOKIES.get("_ga")
    context: dict[str, Any] = {
        "session": hashed_session_key(request.session.session_key),
        "user_id": request.user.pk,
        "username": request.user.get_username(),
        "ip": forwarded or request.META.get("REMOTE_ADDR", ""),
        "client_id": ".".join(cookie.split(".")[2:]) if cookie else request.headers.get("X-EDX-GA-CLIENT-ID"),
    }
    for key, header in HEADERS.items():
        context[key] = request.META.get(header, "").encode("latin-1").decode("utf-8", "replace")
    context.update(course_context(request.build_absolute_uri()))
    return context


def hashed_session_key(session_key: str | None) -> str:
    """Return a name for the session that does not give the session away; "" where there is none."""
    if not session_key:
        return ""
    return hashlib.shake_128((settings.SECRET_KEY + session_key).encode()).hexdigest(16)


def course_context(url: str) -> dict[str, str]:
    """Return the course a page belongs to, with empty values where it belongs to none."""
    found = COURSE_IN_URL.match(url)
    course_id = found["course_id"] if found else ""
    org = re.split(r"[:+/]", course_id)[1] if ":" in course_id else ""
    return {"course_id": course_id, "org_id": org, "enterprise_uuid": ""}
