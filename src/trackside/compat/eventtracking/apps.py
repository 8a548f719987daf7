"""The Django app that switches the names of `eventtracking` on."""

from types import ModuleType

from django.apps import AppConfig

from trackside.compat.eventtracking.aliases import install


class CompatConfig(AppConfig):
    """Installs the names as soon as Django reads INSTALLED_APPS, before it looks at the apps that follow."""

    name = "trackside.compat.eventtracking"
    label = "trackside_compat_eventtracking"
    verbose_name = "Trackside under the names of eventtracking"

    def __init__(self, app_name: str, app_module: ModuleType | None) -> None:
        super().__init__(app_name, app_module)
        install()
