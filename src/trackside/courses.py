"""What a course id says: its usual spelling, and the organisation that runs the course; and whose page a URL is."""

import logging
import re
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

logger = logging.getLogger("trackside.courses")

_IN_URL = re.compile(r".*?/courses/(?!v[0-9]+/[^/]+)([^/+]+[/+][^/+]+[/+][^/?]+)")


class CourseName(NamedTuple):
    """A course as events name it."""

    course_id: str
    """`course-v1:edX+DemoX+2024`; the older `edX/DemoX/2024` stays as it is."""
    org_id: str


class _Parser(Protocol):
    def __call__(self, text: str) -> CourseName | None: ...


_LONGEST_KEPT = 255
"""Characters of the longest course id a platform has."""
_PART = r"[\w\-~.:]+"
_NEW = re.compile(
    rf"(?P<kind>course-v1|slashes|library-v1):"
    rf"(?P<org>{_PART})\+(?P<course>{_PART})(?:\+(?P<run>{_PART}))?"
    rf"(?P<branch>\+branch@{_PART})?(?P<version>\+version@[a-f0-9]{{24}})?"
    rf"(?:\+type@{_PART})?(?:\+block@[\w\-~.:%]+)?"
)
_OLD = re.compile(r"(?P<org>[\w\-.%]+)/[\w\-.%]+/[\w\-.%]*")


@lru_cache(maxsize=4_096)
def parse(text: str) -> CourseName | None:
    """Return the course behind a course id, or None where it is none.

    `opaque_keys` decides where it is installed, so that kinds of keys added to it are understood too;
    elsewhere the kinds that come with it are.
    """
    return _parser()(text)


def parse_ourselves(text: str) -> CourseName | None:
    """Return the course behind an id of the kinds `course-v1`, `library-v1`, or org/course/run."""
    if ":" not in text:
        old = _OLD.fullmatch(text)
        return CourseName(text, old["org"]) if old else None
    found = _NEW.fullmatch(text)
    if found is None:
        return None
    kept = f"{found['org']}+{found['course']}"
    if found["kind"] == "library-v1":
        return CourseName(f"library-v1:{kept}{found['branch'] or ''}{found['version'] or ''}", found["org"])
    if found["run"] is None:
        return None
    kept += f"+{found['run']}{found['branch'] or ''}{found['version'] or ''}"
    return CourseName(f"course-v1:{kept}", found["org"])


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
    text = str(course_id) if course_id else ""
    # what is longer comes from outside, and would be kept
    course = None if not text else parse(text) if len(text) <= _LONGEST_KEPT else _parser()(text)
    if course is None:
        if text:
            # not the id itself: it comes from outside
            logger.info("A course id cannot be understood", extra={"length": len(text)})
        return {"course_id": "", "org_id": "", "enterprise_uuid": ""}
    return {"course_id": course.course_id, "org_id": course.org_id, "enterprise_uuid": ""}


@lru_cache(maxsize=1)
def _parser() -> _Parser:
    try:
        from opaque_keys import InvalidKeyError
        from opaque_keys.edx.keys import CourseKey
    except ImportError:
        return parse_ourselves

    def parse_with_opaque_keys(text: str) -> CourseName | None:
        try:
            key = CourseKey.from_string(text)
        except InvalidKeyError:
            return None
        return CourseName(str(key), key.org or "")

    return parse_with_opaque_keys
