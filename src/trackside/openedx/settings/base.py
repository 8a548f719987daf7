"""Settings at the end of the platform's own `common.py`."""

from typing import Any

from trackside.openedx.settings.merging import add_apps, add_defaults, add_middleware


def plugin_settings(settings: Any) -> None:
    """Add the Django app, its middleware and the defaults of `TRACKSIDE`. May run any number of times."""
    add_apps(settings)
    add_middleware(settings)
    add_defaults(settings)
