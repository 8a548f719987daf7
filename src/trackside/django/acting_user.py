"""Who acts in a request, where only its view finds out: those of an API authenticate by themselves, by a token."""

import logging
from contextvars import ContextVar
from typing import Any

from django.http import HttpRequest

from trackside.django.users import name_of

logger = logging.getLogger("trackside.django")


class AskedBy:
    """A request, its context, and the user it had when it came."""

    __slots__ = ("_context", "_request", "_user")

    def __init__(self, request: HttpRequest, context: dict[str, Any]) -> None:
        self._request = request
        self._context = context
        self._user = request.__dict__.get("user")

    def name(self) -> None:
        """Put the user into the context, if it names none and the request has another one than it came with."""
        user = self._request.__dict__.get("user")
        if user is self._user or self._context.get("username"):
            return
        # the platform shows staff what a learner sees, in whose name the request goes on then
        user = getattr(user, "real_user", None) or user
        pk = getattr(user, "pk", None)
        if pk is not None:
            self._context |= {"user_id": pk, "username": name_of(user)}


CURRENT: ContextVar[AskedBy | None] = ContextVar("trackside_asked_by", default=None)
"""Of the request that runs here."""


def name_acting_user() -> None:
    """Let the context of the request that runs here name the user whom its view has found out since. Never raises.

    No query: a user who was loaded is on the request.
    """
    asked = CURRENT.get()
    if asked is not None:
        try:
            asked.name()
        except Exception as error:  # noqa: BLE001  # the border: an event without its user is better than none
            logger.warning("The user of a request cannot be told", extra={"error": type(error).__name__})
