"""`/segmentio/event`: what phones tell Segment, and Segment's servers pass on.

The names are those of the Open edX platform's module, where its code and its tests look for them.
"""

import hmac
import json

from django.db.transaction import non_atomic_requests
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from trackside.django.segment_webhook import receiving
from trackside.django.segment_webhook.keeping import keep
from trackside.django.segment_webhook.receiving import (
    SOURCE,
    BodyRefusedError,
    body_of,
    query_of,
    request_of,
    with_users,
)
from trackside.django.segment_webhook.rejects import keep_rejects, report
from trackside.django.segment_webhook.repeats import Repeats
from trackside.django.settings import current
from trackside.errors import StorageError
from trackside.sources.base import Reply
from trackside.sources.segment_webhook import Received, Webhook
from trackside.sources.segment_webhook.errors import (
    ERROR_INVALID_CONTEXT_FIELD_TYPE,
    ERROR_INVALID_DATA_FIELD_TYPE,
    ERROR_INVALID_USER_ID,
    ERROR_MISSING_DATA,
    ERROR_MISSING_EVENT_TYPE,
    ERROR_MISSING_NAME,
    ERROR_MISSING_RECEIVED_AT,
    ERROR_MISSING_TIMESTAMP,
    ERROR_MISSING_USER_ID,
    ERROR_UNAUTHORIZED,
    ERROR_USER_NOT_EXIST,
    WARNING_IGNORED_ACTION,
    WARNING_IGNORED_CHANNEL,
)
from trackside.sources.segment_webhook.receive import METHODS
from trackside.telemetry import catalogue
from trackside.users.base import UsersUnavailable

RETRY_AFTER_S = 5


class EventValidationError(Exception):
    """A call is no event; the message is one of the ERROR_ sentences, or one that says what is wrong."""


@csrf_exempt  # Segment's servers have no session; the key or the signature takes its place
@non_atomic_requests  # an event is no part of a transaction, and a database that is away is told as 503
def segmentio_event(request: HttpRequest) -> HttpResponse:
    """Emit the events of a request of Segment's servers; answer 200 once they are kept.

    200 also where nothing was taken, so that whoever got hold of the key learns nothing; 401 without the key,
    400 for what is no JSON, 405 for what is no POST, 413 for what is too large, and 503 where the users cannot be
    looked up or an event cannot be kept now: Segment then sends it again. Generation 2014 says more.
    """
    response = _answer(receiving.webhook(), request)
    catalogue.REQUESTS.add(1, SOURCE, str(response.status_code))
    return response


def track_segmentio_event(request: HttpRequest) -> None:
    """Emit the event of a request whose sender is known: `request.json` where that is set, else the body's.

    Raises EventValidationError where it is none, UsersUnavailable where nobody can tell whose it is, and
    StorageError where it cannot be kept now.
    """
    webhook = receiving.webhook()
    body = json.dumps(request.json).encode() if hasattr(request, "json") else request.body
    received = with_users(webhook, request_of(request, body), trusted=True)
    if not _keep_new(received):
        raise StorageError("the event cannot be kept now; see the log of the application for the reason")
    report(received, SOURCE)
    if received.rejects:
        raise EventValidationError(received.rejects[0].detail)


def _answer(webhook: Webhook, request: HttpRequest) -> HttpResponse:
    body = b""
    if request.method in METHODS and webhook.admits(query_of(request)):
        try:
            body = body_of(request, webhook.limits.body_bytes)
        except BodyRefusedError as refused:
            keep_rejects([webhook.reject(request_of(request, b""), refused.refusal, b"")])
            return HttpResponse(str(refused), status=refused.status, content_type="text/plain; charset=utf-8")
    try:
        received = with_users(webhook, request_of(request, body))
    except UsersUnavailable:
        return _later("users_unavailable")
    if not _keep_new(received):
        return _later("log_unavailable")
    report(received, SOURCE)
    return _response(received.reply)


def _keep_new(received: Received) -> bool:
    """Return whether the events that are new are kept now."""
    if not received.events:
        return True
    repeats = Repeats(current().segment_webhook.dedup_cache, SOURCE)
    events = repeats.new(received.events)
    if not keep(events):
        return False
    repeats.remember(events)
    return True


def _later(reason: str) -> HttpResponse:
    catalogue.REQUESTS_SHED.add(1, reason)
    return HttpResponse(status=503, headers={"Retry-After": str(RETRY_AFTER_S)})


def _response(reply: Reply) -> HttpResponse:
    response = HttpResponse(reply.body, status=reply.status, content_type=reply.content_type.decode())
    for name, value in reply.headers:
        response[name.decode()] = value.decode()
    return response


__all__ = [
    "ERROR_INVALID_CONTEXT_FIELD_TYPE",
    "ERROR_INVALID_DATA_FIELD_TYPE",
    "ERROR_INVALID_USER_ID",
    "ERROR_MISSING_DATA",
    "ERROR_MISSING_EVENT_TYPE",
    "ERROR_MISSING_NAME",
    "ERROR_MISSING_RECEIVED_AT",
    "ERROR_MISSING_TIMESTAMP",
    "ERROR_MISSING_USER_ID",
    "ERROR_UNAUTHORIZED",
    "ERROR_USER_NOT_EXIST",
    "WARNING_IGNORED_ACTION",
    "WARNING_IGNORED_CHANNEL",
    "EventValidationError",
    "hmac",
    "segmentio_event",
    "track_segmentio_event",
]
