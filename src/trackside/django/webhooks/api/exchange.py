"""A request's JSON in, an answer's JSON out, and every refusal in one form: `{"errors": {setting: [sentence]}}`."""

from collections.abc import Callable, Mapping
from functools import wraps
from http import HTTPStatus
from typing import Any

import msgspec
from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.views.decorators.csrf import csrf_exempt

from trackside.django.webhooks.api.who import Stopped
from trackside.django.webhooks.refusals import NoSuchWebhook, NotReachable, NotTheCase, Refusal
from trackside.errors import ConfigurationError, StorageError

Answer = HttpResponse
View = Callable[..., HttpResponse]


def answer(value: object, status: int = 200) -> HttpResponse:
    """Return JSON that no cache keeps."""
    return HttpResponse(
        msgspec.json.encode(value),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
    )


def problem(status: int, errors: Mapping[str, list[str]], **headers: str) -> HttpResponse:
    """Return what is wrong, by setting; `request` and `webhook` stand for the whole of them."""
    made = answer({"errors": errors}, status)
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    return made


def api(view: View) -> View:
    """Make a view of the API: what it refuses is told as JSON, with the status that fits."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except Stopped as error:
            return problem(error.status, {"request": [error.sentence]}, **_headers(error))
        except Refusal as error:
            return problem(_status(error), error.errors)
        except ConfigurationError as error:
            return problem(503, {"webhook": [str(error)]})
        except (StorageError, DatabaseError):
            return problem(503, {"webhook": ["the database cannot be used now"]}, Retry_After="5")

    return csrf_exempt(guarded)


def only(request: HttpRequest, *methods: str) -> str:
    """Return the method of a request, HEAD as GET. Raises Stopped for another than these."""
    method = "GET" if request.method == "HEAD" else str(request.method)
    if method not in methods:
        raise NotAllowed(methods)
    return method


class NotAllowed(Stopped):
    """The path does not know this method."""

    def __init__(self, methods: tuple[str, ...]) -> None:
        super().__init__(405, f"want {' or '.join(methods)}")
        self.methods = methods


def table(request: HttpRequest) -> dict[str, Any]:
    """Return the JSON object of a request's body, {} for an empty one. Raises Stopped."""
    try:
        body = request.body
    except RequestDataTooBig:
        raise Stopped(413, "the body is too large") from None
    except UnreadablePostError:
        raise Stopped(400, "the body broke off") from None
    try:
        decoded = msgspec.json.decode(body or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Stopped(400, "the body is no JSON") from None
    if not isinstance(decoded, dict):
        raise Stopped(400, "the body is no JSON object")
    return decoded


def _status(error: Refusal) -> int:
    match error:
        case NoSuchWebhook():
            return 404
        case NotTheCase():
            return 409
        case NotReachable():
            return 503
        case _:
            return 400


def _headers(stopped: Stopped) -> dict[str, str]:
    if isinstance(stopped, NotAllowed):
        return {"Allow": ", ".join(stopped.methods)}
    return {"WWW_Authenticate": "Bearer"} if stopped.status == HTTPStatus.UNAUTHORIZED else {}
