"""Whose request it is: a token's user, or a member of staff who is logged in."""

from typing import Any, Final

from django.http import HttpRequest
from django.middleware.csrf import CsrfViewMiddleware

from trackside.django.webhooks.tokens import user_of

SAFE: Final = ("GET", "HEAD", "OPTIONS")
_SCHEME: Final = "bearer "


class Stopped(Exception):  # noqa: N818  # named as what the caller is told
    """The request goes no further."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


class _Csrf(CsrfViewMiddleware):
    """Django's own check, asked for by hand: a request with a token needs none."""

    def _reject(self, request: HttpRequest, reason: str) -> Any:  # noqa: ARG002  # the base class's
        return reason


def user_of_request(request: HttpRequest) -> Any:
    """Return whose request it is. Raises Stopped: 401 without anybody, 403 where a page of others may have sent it."""
    given = request.headers.get("Authorization", "")
    if given:
        user = user_of(given[len(_SCHEME) :].strip()) if given.lower().startswith(_SCHEME) else None
        if user is None:
            raise Stopped(401, "the token is not good")
        return user
    session_user = getattr(request, "user", None)
    if session_user is None or not (session_user.is_active and session_user.is_staff):
        raise Stopped(401, "send Authorization: Bearer TOKEN, or log in as a member of staff")
    if request.method not in SAFE:
        csrf = _Csrf(lambda request: None)  # type: ignore[arg-type]  # nothing comes after it  # noqa: ARG005
        csrf.process_request(request)
        if csrf.process_view(request, None, (), {}) is not None:  # type: ignore[arg-type]  # no view is marked exempt
            raise Stopped(403, "the CSRF token is missing or not good; send it as X-CSRFToken")
    return session_user


def require(user: Any, action: str) -> None:
    """Raise Stopped where the user has no permission to `view`, `add`, `change` or `delete` webhooks."""
    if not user.has_perm(f"trackside.{action}_webhook"):
        raise Stopped(403, f"this needs the permission to {action} webhooks")
