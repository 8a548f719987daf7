"""Where events come in: from browsers, from Segment's servers, from views and from tasks."""

from trackside.django.views.browser import user_track
from trackside.django.views.segmentio import segmentio_event
from trackside.django.views.server import server_track, task_track

__all__ = ["segmentio_event", "server_track", "task_track", "user_track"]
