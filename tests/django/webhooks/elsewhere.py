"""The URLconf of a project that has the API at a place of its own."""

from django.urls import include, path

urlpatterns = [path("hooks/", include("trackside.django.webhooks.api.urls"))]
