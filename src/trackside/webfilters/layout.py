"""Data of a question as openedx-webhooks lays it out, for receivers that were written for it.

Source: openedx-webhooks 21.0.1 and 22.0.0, what each of its filters hands to `_process_filter`, run in November 2026.
"""

from collections.abc import Mapping
from typing import Any, Final

from trackside.document.encoding import Document
from trackside.document.openedx import OF_QUESTIONS, as_known

_ON_TOP: Final[Mapping[str, str]] = {"org.openedx.learning.student.registration.requested.v1": "form_data"}
"""Point → the field whose members are sent in place of it."""
_OTHER_NAMES: Final[Mapping[str, Mapping[str, str]]] = {
    "org.openedx.learning.course.homepage.url.creation.started.v1": {"course_key": "course_id"},
    "org.openedx.learning.home.enrollment.api.rendered.v1": {"course_key": "course_id"},
}
"""Point → what its fields are called there, where that is something else."""


def known_payload(point: str, document: Document) -> dict[str, Any]:
    """Return what a receiver of openedx-webhooks is sent, but for `event_metadata`."""
    names = _OTHER_NAMES.get(point, {})
    known = {names.get(name, name): as_known(value, OF_QUESTIONS) for name, value in document.items()}
    inner = known.get(_ON_TOP.get(point, ""))
    if isinstance(inner, dict):
        del known[_ON_TOP[point]]
        return {**inner, **known}
    return known
