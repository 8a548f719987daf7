"""Which course an event belongs to, as part of its context."""

import logging
import re
from typing import Any

from trackside.django.course_key import parse

logger = logging.getLogger("trackside.django")

_IN_URL = re.compile(r".*?/courses/(?!v[0-9]+/[^/]+)([^/+]+[/+][^/+]+[/+][^/?]+)")


def course_context_from_url(url: str | None, course_id_string: str | None = None) -> dict[str, str]:
    """Return `course_id`, `org_id` and `enterprise_uuid` of the course a page belongs to, each "" without one.

    `course_id_string`, where it is given, is the course whatever the URL says.
    """
    return course_context_from_course_id(course_id_string or course_id_in(url))


def course_id_in(url: str | None) -> str | None:
    """Return what stands in a URL where a course's pages have the course id, or None."""
    if not url or "/courses/" not in url:
        return None
    found = _IN_URL.match(url)
    return found[1] if found else None


def course_context_from_course_id(course_id: Any) -> dict[str, str]:
    """Return the same of a course id, a text or a key object; of none or of what is no course id, all ""."""
    course = parse(str(course_id)) if course_id else None
    if course is None:
        if course_id:
            # not the id itself: it comes from outside
            logger.info("A course id cannot be understood", extra={"length": len(str(course_id))})
        return {"course_id": "", "org_id": "", "enterprise_uuid": ""}
    return {"course_id": course.course_id, "org_id": course.org_id, "enterprise_uuid": ""}


def context_dict_for_learning_context(context_key: Any) -> dict[str, str]:
    """Return the context of a course or a library: `context_id`, and `course_id` which is "" for a library."""
    text = str(context_key) if context_key else ""
    course = parse(text) if text else None
    is_library = text.startswith(("lib:", "library-v1:"))
    return {
        "context_id": text,
        "course_id": "" if course is None or is_library else course.course_id,
        "org_id": course.org_id if course else getattr(context_key, "org", None) or _library_org(text),
        "enterprise_uuid": "",
    }


def _library_org(text: str) -> str:
    """Return `edX` of `lib:edX:name`."""
    parts = text.split(":")
    return parts[1] if len(parts) == 3 and parts[0] == "lib" else ""
