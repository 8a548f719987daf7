"""The admin, and a page that registers whoever asks."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import path

from trackside.webfilters import FilterPoint, webfilter


class PreventRegistration(Exception):  # noqa: N818  # named as Open edX names it
    """Nobody registers."""


REGISTRATION = FilterPoint(
    "registration.requested",
    sends={"form_data": dict[str, Any]},
    changes={"form_data.name": str},
    exceptions={"PreventRegistration": PreventRegistration},
    example={"form_data": {"name": "Ada L"}},
    ask_in_transaction=True,  # each request of the project is one
)


def register(request: HttpRequest) -> HttpResponse:
    """Answer who is registered; an exception of the point is an error of the site."""
    result = webfilter(REGISTRATION, {"form_data": request.GET.dict()})
    return HttpResponse(f"registered: {result.data['form_data']['name']}")


urlpatterns = [path("admin/", admin.site.urls), path("register", register)]
