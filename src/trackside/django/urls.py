"""Paths for a site's URLconf: `path("", include("trackside.django.urls"))`."""

from django.urls import path

from trackside.django.views import segmentio_event, user_track

app_name = "trackside"

urlpatterns = [
    path("event", user_track, name="event"),
    path("segmentio/event", segmentio_event, name="segmentio_event"),
]
