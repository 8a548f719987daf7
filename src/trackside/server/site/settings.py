"""Settings of the server's own Django project; what differs between installations comes from the data directory.

`trackside serve` sets TRACKSIDE_DATA_DIR, TRACKSIDE_ALLOWED_HOSTS and TRACKSIDE_PUBLIC_URL from its configuration
before Django reads this module, and TRACKSIDE_WEBHOOKS_DATABASE where webhooks are in another database.
"""

import os
from pathlib import Path
from typing import Any

from django.core.management.utils import get_random_secret_key

from trackside.server.site.databases import ALIAS, VARIABLE, database_of

_DATA_DIR = Path(os.environ.get("TRACKSIDE_DATA_DIR", "data")).resolve()
_SECRET = _DATA_DIR / "secret_key"

# Without a data directory (makemigrations, type checks) nothing is signed that anybody would have to read later.
SECRET_KEY = _SECRET.read_text().strip() if _SECRET.exists() else get_random_secret_key()
DEBUG = False
ALLOWED_HOSTS = os.environ.get("TRACKSIDE_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
ROOT_URLCONF = "trackside.server.site.urls"
APPEND_SLASH = True
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "trackside.django",
    "trackside.console",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
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
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": _DATA_DIR / "site.db",
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode=WAL"},
    }
}
if _WEBHOOKS := os.environ.get(VARIABLE, ""):
    DATABASES[ALIAS] = database_of(_WEBHOOKS)
    DATABASE_ROUTERS = ["trackside.server.site.databases.WebhookRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "console:home"
STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
USE_TZ = True
TIME_ZONE = "UTC"
SESSION_COOKIE_NAME = "trackside_session"
CSRF_COOKIE_NAME = "trackside_csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = os.environ.get("TRACKSIDE_PUBLIC_URL", "").startswith("https:")
SECURE_REFERRER_POLICY = "same-origin"
LOGGING_CONFIG = None
# The server takes events in at its own doors; its Django side emits none.
TRACKSIDE = {"tracker": {"enabled": False}}
