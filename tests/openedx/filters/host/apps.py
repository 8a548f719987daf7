"""The tables' app."""

from django.apps import AppConfig


class PlatformConfig(AppConfig):
    """Tables like those of the platform."""

    name = "tests.openedx.filters.host"
    label = "platform"
    default_auto_field = "django.db.models.AutoField"
