"""Adds what Google Analytics wants to see of an event on its way through Segment."""

import re
from typing import Any

from trackside.emitted import EmittedEvent

# Source: the key formats of Open edX (opaque keys) as of November 2026.
_PART = r"[\w\-~.:]+"
_TAIL = rf"(?:\+branch@{_PART})?(?:\+version@{_PART})?"
_OLD_PART = r"[\w\-~.]+"
_COURSE_KEY = re.compile(
    rf"course-v1:{_PART}\+{_PART}\+{_PART}{_TAIL}"
    rf"|ccx-v1:{_PART}\+{_PART}\+{_PART}{_TAIL}\+ccx@\d+"
    rf"|library-v1:{_PART}\+{_PART}{_TAIL}"
    rf"|{_OLD_PART}/{_OLD_PART}/{_OLD_PART}"
)


class GoogleAnalyticsProcessor:
    """Returns the event with the course as its label, marked as no interaction of the visitor.

    For branches that end at Segment. `courserun_key` is added where `course_id` is the key of a course.
    """

    mutates = False

    def __call__(self, event: EmittedEvent) -> EmittedEvent:
        """Return a new event with `label`, `courserun_key` and `nonInteraction`; the old one is unchanged."""
        added: dict[str, Any] = {}
        course_id = event.get("context", {}).get("course_id")
        if course_id is not None:
            added["label"] = course_id
            if _COURSE_KEY.fullmatch(str(course_id)):
                added["courserun_key"] = str(course_id)
        return {**event, **added, "nonInteraction": 1}
