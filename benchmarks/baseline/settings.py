"""A plain Django 5.2 site with the tracking settings a learning platform starts with.

Everything not named here is Django's default. TRACKSIDE_BENCH_DIR is where its database and log file are.
"""

import os
from pathlib import Path

DIRECTORY = Path(os.environ["TRACKSIDE_BENCH_DIR"])

SECRET_KEY = "benchmark-only"
DEBUG = False
ALLOWED_HOSTS = ["*"]
USE_TZ = True
ROOT_URLCONF = "benchmarks.baseline.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "eventtracking.django.apps.EventTrackingConfig",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "benchmarks.baseline.middleware.RequestContextMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
# The kinder setting: opening the database for each request, the default, costs this site another 30 %.
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": DIRECTORY / "site.sqlite3",
        "CONN_MAX_AGE": None,
    }
}

WEBHOOK_SECRET = "benchmark-secret"
WEBHOOK_ALLOWED_TYPES = ["track"]
WEBHOOK_DISALLOWED_SUBSTRINGS: list[str] = []
WEBHOOK_SOURCE_MAP = {"analytics-android": "mobile", "analytics-ios": "mobile"}
IGNORED_URL_PATTERNS = [r"^/event", r"^/login", r"^/heartbeat", r"^/segmentio/event", r"^/performance"]

EVENT_TRACKING_ENABLED = True
EVENT_TRACKING_PROCESSORS: list[object] = []
EVENT_TRACKING_BACKENDS = {
    "tracking_logs": {
        "ENGINE": "eventtracking.backends.routing.RoutingBackend",
        "OPTIONS": {
            "backends": {
                "logger": {
                    "ENGINE": "eventtracking.backends.logger.LoggerBackend",
                    "OPTIONS": {"name": "tracking", "max_event_size": 50_000},
                }
            },
            "processors": [
                {"ENGINE": "benchmarks.baseline.processors.MoveFieldsToTop"},
                {"ENGINE": "benchmarks.baseline.processors.RenameVideoEvents"},
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
                }
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
            "class": "logging.FileHandler",
            "filename": str(DIRECTORY / "tracking.log"),
            "formatter": "raw",
        }
    },
    "loggers": {"tracking": {"handlers": ["tracking"], "level": "DEBUG", "propagate": False}},
}
