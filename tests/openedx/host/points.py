"""Two filter points of the platform, where nothing else declares them."""

from typing import Any

from trackside.webfilters import POINTS, FilterPoint, RedirectUrl, Stops

LOGIN = "org.openedx.learning.student.login.requested.v1"
REGISTRATION = "org.openedx.learning.student.registration.requested.v1"


class PreventLogin(Exception):  # noqa: N818  # named as Open edX names it
    """Nobody logs in."""

    def __init__(self, message: str, redirect_to: str = "") -> None:
        super().__init__(message)
        self.redirect_to = redirect_to


class PreventRegistration(Exception):  # noqa: N818
    """Nobody registers."""


def declare() -> None:
    """Declare them."""
    if LOGIN not in POINTS:
        FilterPoint(
            LOGIN,
            "Somebody is about to log in.",
            sends={"user": dict[str, Any], "profile": dict[str, Any]},
            changes={"user.first_name": str},
            exceptions={"PreventLogin": Stops(PreventLogin, fields={"redirect_to": RedirectUrl})},
        )
    if REGISTRATION not in POINTS:
        FilterPoint(
            REGISTRATION,
            "Somebody is about to register.",
            sends={"form_data": dict[str, Any]},
            changes={"form_data.name": str},
            exceptions={"PreventRegistration": PreventRegistration},
        )
