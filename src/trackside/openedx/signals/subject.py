"""Whom and which course the data of a signal is about."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from trackside.courses import course_context_from_course_id

_USERS = (
    ("user", "id"),
    ("student_user", "id"),
    ("user_id",),
    ("lms_user_id",),
    ("enterprise_course_enrollment", "enterprise_customer_user", "user_id"),
)
_COURSES = (
    ("course_key",),
    ("course", "course_key"),
    ("course", "ccx_course_key"),
    ("course_id",),
    ("usage_key",),
    ("location",),
    ("object_id",),
    ("content_key",),
    ("enterprise_course_enrollment", "course_id"),
)
_BLOCK = "block-v1:"

Data = Mapping[str, Any]


def user_of(data: Data) -> str | None:
    """Return the id of the user whom plain data is about, as text; None where it says none, or several."""
    for argument in data.values():
        if not isinstance(argument, Mapping):
            continue
        if "pii" in argument:  # it is a user itself
            return _id(argument.get("id"))
        for path in _USERS:
            if found := _id(_at(argument, path)):
                return found
        several = argument.get("user_ids")
        if isinstance(several, list) and len(several) == 1:
            return _id(several[0])
    return None


def course_of(data: Data) -> dict[str, str]:
    """Return `course_id` and `org_id` of the course that plain data is about; {} where it says none."""
    for argument in data.values():
        for path in _COURSES if isinstance(argument, Mapping) else ():
            text = _at(argument, path)
            if isinstance(text, str) and text:
                course_id, org_id = _course(text)
                if course_id:
                    return {"course_id": course_id, "org_id": org_id}
    return {}


@lru_cache(maxsize=1_024)
def _course(key: str) -> tuple[str, str]:
    found = course_context_from_course_id(_course_in(key))
    return found["course_id"], found["org_id"]


def _course_in(key: str) -> str:
    """Return the course id in the key of one of its blocks; any other text as it is."""
    if key.startswith(_BLOCK):
        return "course-v1:" + key[len(_BLOCK) :].partition("+type@")[0]
    return key


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _id(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    return str(value) or None
