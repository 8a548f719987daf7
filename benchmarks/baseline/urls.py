"""One route, as the platform has it."""

from django.urls import path

from benchmarks.baseline.webhook import segment_event

urlpatterns = [path("segmentio/event", segment_event)]
