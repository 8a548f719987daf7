"""The platform's pages."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import path


def answer(request: HttpRequest) -> HttpResponse:
    """Say who answers."""
    return HttpResponse("the platform")


urlpatterns = [
    path("admin/", admin.site.urls),
    path("event", answer),
    path("segmentio/event", answer),
    path("other", answer),
]
