"""Whose request it is, in synchronous and in asynchronous code."""

from typing import Any

from django.http import HttpRequest

_AWAITED = "_trackside_user"


async def await_user(request: HttpRequest) -> None:
    """Find out whose request it is, so that `user_of` can tell without waiting. Raises what the database does."""
    find = getattr(request, "auser", None)
    if find is not None:
        setattr(request, _AWAITED, await find())


def user_of(request: HttpRequest) -> Any:
    """Return the request's user, or None where the site has no users.

    Loading one may raise: what the database does, or SynchronousOnlyOperation in an asynchronous view whose
    request did not go through the middleware.
    """
    awaited = request.__dict__.get(_AWAITED)
    return getattr(request, "user", None) if awaited is None else awaited


def name_of(user: Any) -> str:
    """Return how a user is called; "" for nobody logged in."""
    name = getattr(user, "username", None)  # as ever; other models of users have it under another name
    return str(user.get_username() if name is None else name)


def username_of(request: HttpRequest | None) -> str:
    """Return the name of the request's user: "" for nobody logged in, `anonymous` where there are no users."""
    try:
        user = None if request is None else user_of(request)
        return "anonymous" if user is None else name_of(user)
    except Exception:  # noqa: BLE001  # its database is away
        return "anonymous"


def is_staff(request: HttpRequest) -> bool:
    """Return whether the request is one of the site's staff; False where that cannot be told."""
    try:
        return bool(getattr(user_of(request), "is_staff", False))
    except Exception:  # noqa: BLE001  # see username_of
        return False
