"""How far somebody is in a course: what the platform counts for certificates."""

import importlib
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from django.contrib.auth import get_user_model

from trackside.openedx.filters.parts.base import Arguments, Call, Part

logger = logging.getLogger("trackside.openedx")

NAME: Final = "completion_summary"
_MODULE: Final = "lms.djangoapps.courseware.courses"
_FUNCTION: Final = "get_course_blocks_completion_summary"
"""Source: openedx-platform, April 2026. It takes the key of a course and a user, and reads all blocks of the course."""


class Completion(Part):
    """A summary that is sent where the operator has it sent: it takes queries."""

    def __init__(self, argument: str, whose: Callable[[Arguments], tuple[Any, Any]]) -> None:
        """`whose` returns the key of the course and the user."""
        super().__init__(argument, sends={NAME: dict[str, Any] | None}, offered=(NAME,))
        self._whose = whose

    def told(self, call: Call) -> dict[str, Any]:
        """Return the summary; null where it cannot be had, as in Studio."""
        if NAME not in call.rules.sent:
            return {}
        try:
            # of the LMS, and imported no sooner than it is needed
            summary = getattr(importlib.import_module(_MODULE), _FUNCTION)(*self._whose(call.arguments))
        except Exception as error:  # noqa: BLE001  # the border: whatever the platform raises, the rest is sent
            logger.error("A completion summary cannot be had", extra={"error": type(error).__name__})
            summary = None
        return {NAME: summary}


def of_arguments(arguments: Arguments) -> tuple[Any, Any]:
    """Return the course and the user of a certificate that is asked for."""
    return arguments["course_key"], arguments["user"]


def of_context(arguments: Arguments) -> tuple[Any, Any]:
    """Return the course and the user of a certificate that is shown. Raises where its context names none."""
    from opaque_keys.edx.keys import CourseKey

    context: Mapping[str, Any] = arguments["context"]
    user = get_user_model().objects.get(pk=context["accomplishment_user_id"])
    return CourseKey.from_string(str(context["course_id"])), user
