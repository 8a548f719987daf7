"""The filters that are points in this process."""

import logging
from collections.abc import Mapping

from trackside.django.settings.filters import FilterSettings
from trackside.openedx.filters.discovery import wanted_filters
from trackside.openedx.filters.point import OpenedxPoint, declare
from trackside.openedx.settings.pipelines import CONFIG, with_steps
from trackside.webfilters.points import withdraw

logger = logging.getLogger("trackside.openedx")

FOLLOWED: dict[str, OpenedxPoint] = {}
"""Type of a filter → its point."""


def follow_filters(settings: FilterSettings | None = None) -> None:
    """Declare a point for each filter that the settings want. Nothing is opened, and nobody asked.

    A filter that cannot be one costs itself only. Raises ImproperlyConfigured where the settings are wrong.
    """
    if settings is None:
        from trackside.django.settings import current

        settings = current().filters
    unfollow_filters()
    found = wanted_filters(settings.names, settings.ignore, settings.modules)
    for filter_type, filter_class in found.items():
        try:
            FOLLOWED[filter_type] = declare(filter_type, filter_class, settings)
        except Exception as error:  # noqa: BLE001  # whatever a release declares, the platform starts
            logger.error(
                "A filter cannot be asked about", extra={"filter": filter_type, "error": type(error).__name__}
            )
    _stand_in_pipelines()


def unfollow_filters() -> None:
    """Have no points of filters."""
    for filter_type in list(FOLLOWED):
        withdraw(filter_type)
        del FOLLOWED[filter_type]


def _stand_in_pipelines() -> None:
    """Have the step in the pipelines of filters that the settings' files could not know of."""
    from django.conf import settings

    before = getattr(settings, CONFIG, None)
    if isinstance(before, Mapping | None):
        after = with_steps(before or {}, FOLLOWED)
        if after != before:
            setattr(settings, CONFIG, after)
