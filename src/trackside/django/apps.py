"""The Django app's configuration."""

from django.apps import AppConfig


class TracksideConfig(AppConfig):
    """Registers the app under the label `trackside`."""

    name = "trackside.django"
    label = "trackside"
    verbose_name = "Trackside"
    default_auto_field = "django.db.models.BigAutoField"
