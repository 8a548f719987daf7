"""Which course an event belongs to, as part of its context."""

from typing import Any

from trackside.courses import course_context_from_course_id, course_context_from_url, course_id_in, parse

__all__ = [
    "context_dict_for_learning_context",
    "course_context_from_course_id",
    "course_context_from_url",
    "course_id_in",
]


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
