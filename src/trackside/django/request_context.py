"""Who asks, from where, and about which course: what events of a request carry."""

import hashlib
import logging
import re
from functools import lru_cache
from typing import Any

from django.conf import settings as django_settings
from django.http import HttpRequest

from trackside.django.client_ip import client_ip
from trackside.django.contexts import course_context_from_url
from trackside.django.settings import current
from trackside.django.users import name_of, user_of

logger = logging.getLogger("trackside.django")

_HEADERS = ("SERVER_NAME", "HTTP_USER_AGENT", "PATH_INFO", "HTTP_REFERER", "HTTP_ACCEPT_LANGUAGE")
_PLAIN_PATH = re.compile(r"[\w/:@&+$,.!~*'()\-]*", re.ASCII).fullmatch
"""Tells whether a path is its own URL."""
_NO_COURSE = {"course_id": "", "org_id": "", "enterprise_uuid": ""}


def request_context(request: HttpRequest) -> dict[str, Any]:
    """Return the context of a request; a field that cannot be told is "" or None."""
    get = request.META.get
    user_id, username = _user(request)
    headers = [get(header, "") for header in _HEADERS]
    if bytes in map(type, headers):
        headers = [value.decode("latin-1") if isinstance(value, bytes) else value for value in headers]
    host, agent, path, referer, accept_language = headers
    return {
        "session": session_hash(_session_key(request)),
        "user_id": user_id,
        "username": username,
        "ip": client_ip(request.META, current().requests.forwarded_from),
        "host": host,
        "agent": agent,
        "path": path,
        "referer": referer,
        "accept_language": accept_language,
        "client_id": _client_id(request),
        **_course(request),
    }


def session_hash(session_key: str | None) -> str:
    """Return a name for a session that does not give the session away, 32 hex digits; "" where there is none."""
    return _hashed(django_settings.SECRET_KEY, session_key) if session_key else ""


@lru_cache(maxsize=4_096)
def _hashed(secret: str, session_key: str) -> str:
    # remembered, because a session is one of many requests
    return hashlib.shake_128(f"{secret}{session_key}".encode()).hexdigest(16)


def _session_key(request: HttpRequest) -> str | None:
    session = getattr(request, "session", None)
    key = getattr(session, "session_key", None)
    return key if isinstance(key, str) else None


def _user(request: HttpRequest) -> tuple[Any, str]:
    try:
        user = user_of(request)
        return ("", "") if user is None else (user.pk, name_of(user))
    except Exception as error:  # noqa: BLE001  # an event without its user is better than a request without answer
        logger.warning("The user of a request cannot be told", extra={"error": type(error).__name__})
        return "", ""


def _client_id(request: HttpRequest) -> str | None:
    """Return Google Analytics' id of the browser: of the cookie `GA1.2.A.B` that is `A.B`."""
    # the session middleware has read them; if nobody has, they are read only where it is worth it
    read = "COOKIES" in request.__dict__ or "_ga=" in request.META.get("HTTP_COOKIE", "")
    if cookie := read and request.COOKIES.get("_ga"):
        return ".".join(cookie.split(".")[2:])
    header = request.META.get("HTTP_X_EDX_GA_CLIENT_ID")
    return header if isinstance(header, str) else None


def _course(request: HttpRequest) -> dict[str, str]:
    # the URL without its host, which no course id stands in, and which may be refused
    path, query = request.path, request.META.get("QUERY_STRING", "")
    if "/courses/" not in path and "/courses/" not in query:
        return _NO_COURSE
    if "/courses/" in query or not _PLAIN_PATH(path):
        path = request.get_full_path()
    return course_context_from_url(path)
