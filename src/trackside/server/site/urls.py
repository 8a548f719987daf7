"""URLs of the server's own Django project."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", include("trackside.django.webhooks.api.urls")),
    path("", include("trackside.console.urls")),
]
