"""The console's configuration as a Django app."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """Registers the console."""

    name = "trackside.console"
    label = "trackside_console"
    verbose_name = "Trackside console"
