"""From Django's request to what Segment says in it, by the settings in effect."""

from datetime import UTC, datetime
from typing import Final

import msgspec
from django.core.exceptions import ImproperlyConfigured, RequestDataTooBig
from django.core.handlers.wsgi import WSGIRequest
from django.db import Error as DatabasesError
from django.http import HttpRequest
from django.http.request import RawPostDataException, UnreadablePostError

from trackside.config.settings import LimitSettings
from trackside.django.client_ip import client_ip
from trackside.django.settings import DjangoSettings, current
from trackside.sources.base import NeedsUsers, Request
from trackside.sources.refusal import Refusal
from trackside.sources.segment_webhook import Received, Webhook
from trackside.users.anybody import Anybody
from trackside.users.base import Directory, UsersUnavailable

SOURCE: Final = "segmentio"
"""The source's name in counters and rejects."""
MOST_LOOKUPS: Final = 3


class BodyRefusedError(Exception):
    """The body is not read; `refusal` tells why."""

    def __init__(self, status: int, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.refusal = Refusal(reason, detail)


_made: tuple[DjangoSettings, Webhook] | None = None


def webhook() -> Webhook:
    """Return the webhook by the settings in effect. Raises ImproperlyConfigured."""
    global _made  # noqa: PLW0603  # made once for each reading of the settings
    settings = current()
    if _made is None or _made[0] is not settings:
        rules = settings.segment_webhook
        _made = settings, Webhook(SOURCE, rules, directory(rules.users), _limits(settings))
    return _made[1]


def directory(users: str) -> Directory:
    """Return who knows the users, by the name the settings have for it."""
    if users == "any":
        return Anybody()
    from trackside.django.user_directory import default_directory

    return default_directory()


def request_of(request: HttpRequest, body: bytes) -> Request:
    """Return the request as a source is given it; of its headers only those that the webhook looks at."""
    meta = request.META
    headers = {b"content-type": _bytes(meta.get("CONTENT_TYPE"))}
    if "HTTP_X_SIGNATURE" in meta:
        headers[b"x-signature"] = _bytes(meta["HTTP_X_SIGNATURE"])
    return Request(
        method=request.method or "",
        path=request.path,
        query=query_of(request),
        headers=headers,
        body=body,
        received_at=datetime.now(UTC),
        client_ip=client_ip(meta, current().requests.forwarded_from) or None,
        scheme=request.scheme or "http",
    )


def query_of(request: HttpRequest) -> bytes:
    """Return the query string as it was sent."""
    text = request.META.get("QUERY_STRING") or ""
    # WSGI hands over bytes as characters; ASGI's are decoded by Django
    return text.encode("latin-1" if isinstance(request, WSGIRequest) else "utf-8", "replace")


def body_of(request: HttpRequest, most: int) -> bytes:
    """Return the body, at most `most` bytes of it. Raises BodyRefusedError where it is larger, or cannot be read."""
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError as error:  # which Django itself stumbles over
        raise BodyRefusedError(400, "malformed", "the length of the body is no number") from error
    try:
        body = request.body if length <= most else None
    except RequestDataTooBig as error:
        raise BodyRefusedError(413, "request_too_large", f"{error} (DATA_UPLOAD_MAX_MEMORY_SIZE)") from error
    except UnreadablePostError as error:
        raise BodyRefusedError(400, "gone", "the body did not arrive") from error
    except RawPostDataException as error:
        raise BodyRefusedError(400, "read_before", "somebody before the view has read the body") from error
    if body is None or len(body) > most:
        raise BodyRefusedError(
            413, "request_too_large", f"the body is larger than {most} bytes (limits.body_bytes)"
        )
    return body


def with_users(receiving: Webhook, request: Request, *, trusted: bool = False) -> Received:
    """Return what the request means, its users looked up. Raises UsersUnavailable.

    `trusted` requests are read without a look at their key, signature and content type.
    """
    receive = receiving.read if trusted else receiving.receive
    for _ in range(MOST_LOOKUPS):
        received = receive(request)
        if not isinstance(received, NeedsUsers):
            return received
        try:
            received.directory.load(received.wanted)
        except DatabasesError as error:
            raise UsersUnavailable(f"the users cannot be looked up: {type(error).__name__}") from error
    raise UsersUnavailable("the users that were looked up are forgotten already")


def _limits(settings: DjangoSettings) -> LimitSettings:
    try:
        return msgspec.convert(settings.server.get("limits", {}), LimitSettings)
    except msgspec.ValidationError as error:
        raise ImproperlyConfigured(f"TRACKSIDE['limits']: {error}") from error


def _bytes(header: str | None) -> bytes:
    return (header or "").encode("latin-1", "replace")
