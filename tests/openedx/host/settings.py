"""The platform's settings, as far as plugins have to do with them: `common.py`, then the operator's YAML, then
`production.py`, each with its plugins. HOST is a JSON object: `folder`, and optionally `yaml`, `database`, `service`,
`tracks`, `apps`.
"""

import json
import os
from importlib import import_module
from pathlib import Path
from typing import Any

from edx_django_utils.plugins import add_plugins, get_plugin_apps

HOST = json.loads(os.environ["HOST"])
FOLDER = Path(HOST["folder"])
PROJECT = f"{HOST.get('service', 'lms')}.djangoapp"

DATABASE = HOST.get("database")
if DATABASE and DATABASE["ENGINE"].endswith("mysql"):
    import_module("pymysql").install_as_MySQLdb()

# common.py
SECRET_KEY = "host"
SERVICE_VARIANT = HOST.get("service", "lms")
DEBUG = False
ALLOWED_HOSTS = ["*"]
USE_TZ = True
ROOT_URLCONF = "tests.openedx.host.urls"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
DATA_DIR = FOLDER / "data"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "openedx_events",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DATABASES: dict[str, Any] = {
    "default": DATABASE or {"ENGINE": "django.db.backends.sqlite3", "NAME": str(FOLDER / "host.sqlite3")}
}
if HOST.get("tracks"):
    # as the platform's own: a tree whose logger writes what Aspects reads
    INSTALLED_APPS.append("eventtracking.django.apps.EventTrackingConfig")
    EVENT_TRACKING_ENABLED = True
    MIDDLEWARE.insert(1, "django.middleware.csrf.CsrfViewMiddleware")
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
                "processors": [],
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
                "filename": str(FOLDER / "tracking.log"),
                "formatter": "raw",
            }
        },
        "loggers": {"tracking": {"handlers": ["tracking"], "level": "DEBUG", "propagate": False}},
    }
INSTALLED_APPS.extend(HOST.get("apps", []))
INSTALLED_APPS.extend(get_plugin_apps(PROJECT))
add_plugins(__name__, PROJECT, "common")

# production.py
ENV_TOKENS = HOST.get("yaml", {})
vars().update(ENV_TOKENS)
add_plugins(__name__, PROJECT, "production")
