"""The step of every filter's pipeline: asks the webfilters of the filter's type, and hands on what they changed."""

import logging
from typing import Any, Final

from openedx_filters import PipelineStep
from openedx_filters.exceptions import OpenEdxFilterException

from trackside.openedx.filters.following import FOLLOWED
from trackside.openedx.filters.point import OpenedxPoint, asking_about
from trackside.telemetry import catalogue
from trackside.webfilters import has_hooks, webfilter

logger = logging.getLogger("trackside.openedx")

_UNTELLABLE: Final = object()
"""Something that JSON does not have."""


class WebfilterStep(PipelineStep):  # type: ignore[misc]  # openedx-filters is on the platform
    """One step for all filters; what it is asked about is said by `filter_type`."""

    def run_filter(self, *args: Any, **kwargs: Any) -> dict[str, Any]:  # noqa: ARG002  # pipelines give names
        """Return the arguments that answers changed, {} where nobody is asked: a pipeline goes on with either.

        Raises the exception of the filter that an answer asked for, and nothing else.
        """
        point = FOLLOWED.get(self.filter_type)
        try:
            if point is None or not has_hooks(point):
                return {}
        except Exception as error:  # noqa: BLE001  # the border: the platform goes on
            return _failed("ask", self.filter_type, error)
        return _asked(point, kwargs)


def _asked(point: OpenedxPoint, arguments: dict[str, Any]) -> dict[str, Any]:
    try:
        told = point.told(arguments)
    except Exception as error:  # noqa: BLE001  # the border
        _failed("tell", point.name, error)
        told = dict.fromkeys(point.sends, _UNTELLABLE)  # so that its hooks fail, each by its policy
    try:
        with asking_about(arguments):
            changes = webfilter(point, told).changes
    except OpenEdxFilterException:
        raise
    except Exception as error:  # noqa: BLE001  # the border: whatever is wrong is not the platform's
        return _failed("ask", point.name, error)
    if not changes:
        return {}
    try:
        call = point.changed(arguments, changes)
    except Exception as error:  # noqa: BLE001  # the border: each hook's changes were judged before, all together not
        return _failed("change", point.name, error)
    for deed in call.deeds:
        try:
            deed()
        except Exception as error:  # noqa: BLE001  # the border
            _failed("change", point.name, error)
    return call.results


def _failed(what: str, filter_type: str, error: Exception) -> dict[str, Any]:
    catalogue.FILTERS_FAILED.add(1, what)
    logger.error(
        "A filter goes on without an answer",
        extra={"filter": filter_type, "what": what, "error": type(error).__name__},
    )
    return {}
