"""The Django app's configuration."""

from django.apps import AppConfig
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed


class TracksideConfig(AppConfig):
    """Registers the app under the label `trackside`, and the tracker that the settings describe."""

    name = "trackside.django"
    label = "trackside"
    verbose_name = "Trackside"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Make `emit` work. Starts no thread and opens nothing: servers fork after this.

        Raises ImproperlyConfigured where the settings are wrong, so that no process starts with them.
        """
        from trackside.django import outbox, settings
        from trackside.django.checks import ALL
        from trackside.django.tasks import follow_celery
        from trackside.django.tracker import tracker_from_settings
        from trackside.django.webfilters.installing import install as install_webfilters
        from trackside.django.webhooks import surroundings
        from trackside.errors import ConfigurationError
        from trackside.tracker import register_tracker

        setting_changed.connect(settings.reset, dispatch_uid="trackside.django.settings")
        setting_changed.connect(surroundings.reset, dispatch_uid="trackside.django.webhooks")
        for check in ALL:
            checks.register(check, "trackside")
        try:
            register_tracker(tracker_from_settings())
        except (ValueError, TypeError, AttributeError, ConfigurationError) as error:
            told = "; ".join([str(error), *getattr(error, "__notes__", ())])
            raise ImproperlyConfigured(f"the tracker's backends or processors: {told}") from error
        if settings.current().tracker.enabled:
            outbox.install()
        install_webfilters()
        follow_celery()
