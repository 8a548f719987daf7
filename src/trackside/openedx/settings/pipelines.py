"""The step of all filters in `OPEN_EDX_FILTERS_CONFIG`, behind the steps that an operator has there."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from trackside.django.settings.filters import FilterSettings
from trackside.openedx.filters.discovery import wanted_filters

CONFIG: Final = "OPEN_EDX_FILTERS_CONFIG"
STEP: Final = "trackside.openedx.filters.step.WebfilterStep"


def add_steps(settings: Any) -> None:
    """Have the step once in the pipeline of each filter that `TRACKSIDE` wants. May run any number of times.

    Filters of other packages come later: their modules may need the apps.
    """
    config = getattr(settings, CONFIG, None)
    if not isinstance(config, Mapping | None):
        return  # openedx-filters has no use for it either
    said = _said(settings)
    found = wanted_filters(said.names, said.ignore)
    if found:
        setattr(settings, CONFIG, with_steps(config or {}, found))


def with_steps(config: Mapping[str, Any], filter_types: Iterable[str]) -> dict[str, Any]:
    """Return the configuration with the step in each of these pipelines; what was given stays as it is."""
    made = dict(config)
    for filter_type in filter_types:
        made[filter_type] = _with_step(config.get(filter_type))
    return made


def _with_step(given: Any) -> Any:
    """Return one filter's configuration in the form that it has: a dict, a list of steps, or the name of one."""
    if isinstance(given, Mapping):
        steps = given.get("pipeline")
        if not isinstance(steps, str | list | tuple | None):
            return given  # what it is, openedx-filters says when the filter runs; the platform starts
        return {**given, "pipeline": _appended(steps)}
    if not given:
        return {"fail_silently": True, "pipeline": [STEP]}
    if isinstance(given, str | list):
        return _appended(given)
    return given  # of another kind openedx-filters takes no steps


def _appended(steps: Any) -> list[Any]:
    listed = [steps] if isinstance(steps, str) else [*(steps or ())]
    return listed if STEP in listed else [*listed, STEP]


def _said(settings: Any) -> FilterSettings:
    """Return what `TRACKSIDE` says of filters; what cannot be used counts as not said, and is told at the start."""
    whole = getattr(settings, "TRACKSIDE", {})
    table = whole.get("filters", {}) if isinstance(whole, Mapping) else {}
    try:
        return msgspec.convert(table, FilterSettings)
    except msgspec.ValidationError:
        return FilterSettings()
