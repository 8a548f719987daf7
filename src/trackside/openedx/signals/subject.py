"""Whom and which course the data of a signal is about."""

from collections.abc import Collection, Mapping
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
Fields = Mapping[str, Collection[str]]
"""The names of the fields of each argument that has fields."""

_NO_COURSE: dict[str, str] = {}


def user_of(data: Data) -> str | None:
    """Return the id of the user whom plain data is about, as text; None where it says none, or several."""
    for argument in data.values():
        if not isinstance(argument, Mapping):
            continue
        if _is_user(argument):
            return id_in(argument.get("id"))
        for path in _USERS:
            if found := id_in(_at(argument, path)):
                return found
        several = argument.get("user_ids")
        if isinstance(several, list) and len(several) == 1:
            return id_in(several[0])
    return None


def user_paths(arguments: Fields) -> list[str]:
    """Return where `user_of` looks, as far as it looks at no lists, in its order: names with dots between them."""
    found: list[str] = []
    for name, fields in arguments.items():
        if _is_user(fields):
            return [*found, f"{name}.id"]
        found += (".".join((name, *path)) for path in _USERS)
    return found


def course_of(data: Data) -> dict[str, str]:
    """Return `course_id` and `org_id` of the course that plain data is about; {} where it says none.

    Nobody changes it.
    """
    for argument in data.values():
        for path in _COURSES if isinstance(argument, Mapping) else ():
            if found := course_in(_at(argument, path)):
                return found
    return _NO_COURSE


def course_paths(arguments: Fields) -> list[str]:
    """Return where `course_of` looks, in its order: names with dots between them."""
    return [".".join((name, *path)) for name in arguments for path in _COURSES]


def course_in(value: Any) -> dict[str, str]:
    """Return what `course_of` says of the course whose id, or a block's key in it, is this text; else {}."""
    return _course(value) if type(value) is str and value else _NO_COURSE


def id_in(value: Any) -> str | None:
    """Return an id as text; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    return str(value) or None


@lru_cache(maxsize=1_024)
def _course(key: str) -> dict[str, str]:
    found = course_context_from_course_id(_course_id(key))
    return {name: found[name] for name in ("course_id", "org_id")} if found["course_id"] else _NO_COURSE


def _course_id(key: str) -> str:
    """Return the course id in the key of one of its blocks; any other text as it is."""
    if key.startswith(_BLOCK):
        return "course-v1:" + key[len(_BLOCK) :].partition("+type@")[0]
    return key


def _is_user(fields: Collection[str]) -> bool:
    return "pii" in fields


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
