"""Settings at the end of the platform's own `common.py`."""

from typing import Any

from trackside.openedx.settings.merging import add_apps, add_defaults, add_middleware
from trackside.openedx.settings.pipelines import add_steps
from trackside.openedx.settings.tracking import add_tracking


def plugin_settings(settings: Any) -> None:
    """Add the app, its middleware, the defaults of `TRACKSIDE`, the step of all filters, and what `tracking` asks for.

    May run any number of times.
    """
    add_apps(settings)
    add_middleware(settings)
    add_defaults(settings)
    add_tracking(settings)
    add_steps(settings)
