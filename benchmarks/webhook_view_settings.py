"""The baseline's site with Trackside in the place of `event-tracking`, and its view in the place of the baseline's."""

import os

from benchmarks.baseline import settings as baseline
from benchmarks.middleware_settings import *  # noqa: F403

ROOT_URLCONF = "trackside.django.urls"
MIDDLEWARE = [
    "trackside.django.middleware.TrackMiddleware" if each.startswith("benchmarks.") else each
    for each in baseline.MIDDLEWARE
]
TRACKING_SEGMENTIO_WEBHOOK_SECRET = baseline.WEBHOOK_SECRET
TRACKING_SEGMENTIO_ALLOWED_TYPES = baseline.WEBHOOK_ALLOWED_TYPES
TRACKING_SEGMENTIO_DISALLOWED_SUBSTRING_NAMES = baseline.WEBHOOK_DISALLOWED_SUBSTRINGS
TRACKING_SEGMENTIO_SOURCE_MAP = baseline.WEBHOOK_SOURCE_MAP
if "TRACKSIDE_BENCH_LOG" in os.environ:
    baseline.EVENT_TRACKING_BACKENDS["log"] = {
        "ENGINE": "trackside.backends.log.LogBackend",
        "OPTIONS": {"data_dir": os.environ["TRACKSIDE_BENCH_LOG"]},
    }
