"""The plugin's app."""

import logging

from django.apps import AppConfig, apps
from django.core import checks

logger = logging.getLogger("trackside.openedx")

_SETTINGS = {
    "common": {"relative_path": "settings.base"},
    "production": {"relative_path": "settings.production"},
    "devstack": {"relative_path": "settings.production"},
    "test": {"relative_path": "settings.base"},
}


class TracksideOpenedxConfig(AppConfig):
    """Subscribes to the platform's signals, and makes filter points of its filters."""

    name = "trackside.openedx"
    label = "trackside_openedx"
    verbose_name = "Trackside for Open edX"
    default_auto_field = "django.db.models.BigAutoField"

    # What edx-django-utils' loader of plugins reads. Plain texts: the package itself need not be there.
    plugin_app = {"settings_config": {"lms.djangoapp": _SETTINGS, "cms.djangoapp": _SETTINGS}}

    def ready(self) -> None:
        """Subscribe to the signals there are, and to those that come; declare the filters. Starts no thread."""
        from trackside.openedx.checks import ALL
        from trackside.openedx.filters.following import follow_filters
        from trackside.openedx.retirement import follow_retirement
        from trackside.openedx.signals import follow_signals
        from trackside.openedx.tracking import follow_tracking

        for check in ALL:
            checks.register(check, "trackside")
        if not stands_behind_django_app():
            logger.error(
                "Signals are no events, filters no points: trackside.django has to stand before trackside.openedx"
            )
            return
        follow_signals()
        follow_filters()
        follow_tracking()
        follow_retirement()


def stands_behind_django_app() -> bool:
    """Return whether `trackside.django` is installed, before this app."""
    names = [config.name for config in apps.get_app_configs()]
    if "trackside.django" not in names or TracksideOpenedxConfig.name not in names:
        return False
    return names.index("trackside.django") < names.index(TracksideOpenedxConfig.name)
