"""The baseline's site with Trackside in the place of `event-tracking`; the tracking settings are the platform's."""

from benchmarks.baseline.settings import *  # noqa: F403
from benchmarks.baseline.settings import EVENT_TRACKING_BACKENDS, IGNORED_URL_PATTERNS, INSTALLED_APPS

INSTALLED_APPS = ["trackside.django" if app.startswith("eventtracking") else app for app in INSTALLED_APPS]
TRACKING_IGNORE_URL_PATTERNS = IGNORED_URL_PATTERNS
EVENT_TRACKING_BACKENDS["tracking_logs"]["OPTIONS"]["processors"] = [  # type: ignore[index]
    {"ENGINE": "common.djangoapps.track.shim.LegacyFieldMappingProcessor"},
    {"ENGINE": "common.djangoapps.track.shim.PrefixedEventProcessor"},
]
