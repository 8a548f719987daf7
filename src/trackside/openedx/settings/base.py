"""Settings at the end of the platform's own `common.py`."""

from typing import Any

from trackside.openedx.settings.merging import add_apps, add_defaults, add_middleware
from trackside.openedx.settings.pipelines import add_steps


def plugin_settings(settings: Any) -> None:
    """Add the Django app, its middleware, the defaults of `TRACKSIDE` and the step of all filters.

    May run any number of times.
    """
    add_apps(settings)
    add_middleware(settings)
    add_defaults(settings)
    add_steps(settings)
