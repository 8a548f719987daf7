"""A small project; what stands under "tracking" is the LMS's own, unchanged."""

import os
from pathlib import Path

FOLDER = Path(os.environ["SITE_FOLDER"])

SECRET_KEY = "85920908f28904ed733fe576320db18cabd7b6cd"
DEBUG = False
ALLOWED_HOSTS = ["*"]
USE_TZ = True
ROOT_URLCONF = "tests.django.site.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "trackside.compat.eventtracking",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "eventtracking.django.apps.EventTrackingConfig",
    "trackside.django",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "trackside.django.middleware.TrackMiddleware",
]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": FOLDER / "site.sqlite3"}}

# tracking
TRACK_MAX_EVENT = 50000
EVENT_TRACKING_ENABLED = True
EVENT_TRACKING_PROCESSORS: list[object] = []
EVENT_TRACKING_SEGMENTIO_EMIT_WHITELIST: list[str] = []
TRACKING_IGNORE_URL_PATTERNS = [
    r"^/event",
    r"^/login",
    r"^/heartbeat",
    r"^/segmentio/event",
    r"^/performance",
]
TRACKING_SEGMENTIO_WEBHOOK_SECRET = "phones"
TRACKING_SEGMENTIO_ALLOWED_TYPES = ["track"]
TRACKING_SEGMENTIO_DISALLOWED_SUBSTRING_NAMES: list[str] = []
TRACKING_SEGMENTIO_SOURCE_MAP = {"analytics-android": "mobile", "analytics-ios": "mobile"}
TRACKING_BACKENDS = {
    "logger": {
        "ENGINE": "common.djangoapps.track.backends.logger.LoggerBackend",
        "OPTIONS": {"name": "tracking"},
    }
}
EVENT_TRACKING_BACKENDS = {
    "tracking_logs": {
        "ENGINE": "eventtracking.backends.routing.RoutingBackend",
        "OPTIONS": {
            "backends": {
                "logger": {
                    "ENGINE": "eventtracking.backends.logger.LoggerBackend",
                    "OPTIONS": {"name": "tracking", "max_event_size": TRACK_MAX_EVENT},
                }
            },
            "processors": [
                {"ENGINE": "common.djangoapps.track.shim.LegacyFieldMappingProcessor"},
                {"ENGINE": "common.djangoapps.track.shim.PrefixedEventProcessor"},
            ],
        },
    },
    "segmentio": {
        "ENGINE": "eventtracking.backends.routing.RoutingBackend",
        "OPTIONS": {
            "backends": {"segment": {"ENGINE": "eventtracking.backends.segment.SegmentBackend"}},
            "processors": [
                {
                    "ENGINE": "eventtracking.processors.whitelist.NameWhitelistProcessor",
                    "OPTIONS": {"whitelist": []},
                },
                {"ENGINE": "common.djangoapps.track.shim.GoogleAnalyticsProcessor"},
            ],
        },
    },
}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"raw": {"format": "%(message)s"}},
    "handlers": {
        "tracking": {
            "level": "DEBUG",
            "class": "logging.FileHandler",
            "filename": str(FOLDER / "tracking.log"),
            "formatter": "raw",
        }
    },
    "loggers": {"tracking": {"handlers": ["tracking"], "level": "DEBUG", "propagate": False}},
}
