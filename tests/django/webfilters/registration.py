"""A project that asks before somebody registers, as the README of openedx-webhooks has it."""

from typing import Any

from django.db import connections
from django.http import HttpRequest, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import path

from tests.django.outbox.databases import ALIAS
from trackside.webfilters import FilterPoint, RedirectUrl, Stops, webfilter
from trackside.webfilters.points import withdraw


class PreventRegistration(Exception):  # noqa: N818  # named as Open edX names it
    """Nobody registers."""

    def __init__(self, message: str, redirect_to: str | None = None, status_code: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.redirect_to = redirect_to
        self.status_code = status_code


withdraw("test.registration.requested")
REGISTRATION = FilterPoint(
    "test.registration.requested",
    "Somebody is about to register.",
    sends={"form_data": dict[str, Any]},
    changes={"form_data.name": str, "form_data.password": str},
    exceptions={
        "PreventRegistration": Stops(
            PreventRegistration, fields={"redirect_to": RedirectUrl | None, "status_code": int}
        )
    },
    example={"form_data": {"name": "Ada L", "email": "ada@example.org"}},
)
withdraw("test.idle.requested")
IDLE = FilterPoint("test.idle.requested", sends={"mode": str})


def register(request: HttpRequest) -> HttpResponseBase:
    """Write the account, and then ask, so that there is something to be rolled back."""
    form = request.POST.dict()
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("INSERT INTO account (name) VALUES ('begun')")
    if "let_it_raise" in form:
        form.pop("let_it_raise")
        webfilter(REGISTRATION, {"form_data": form})
    try:
        result = webfilter(REGISTRATION, {"form_data": form})
    except PreventRegistration as error:
        if error.redirect_to:
            return HttpResponseRedirect(error.redirect_to)
        return JsonResponse({"error": error.message}, status=error.status_code or 400)
    name = result.data["form_data"]["name"]
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("INSERT INTO account (name) VALUES (%s)", [name])
    return JsonResponse({"name": name})


urlpatterns = [path("register", register)]
