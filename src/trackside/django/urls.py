"""Paths for a site's URLconf: `path("", include("trackside.django.urls"))`."""

from django.urls import path

from trackside.django.views import user_track

app_name = "trackside"

urlpatterns = [path("event", user_track, name="event")]
