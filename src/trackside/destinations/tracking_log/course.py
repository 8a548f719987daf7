"""Courses, as the keys of Open edX name them."""

import re
from functools import lru_cache
from urllib.parse import unquote

_IN_URL = re.compile(r"/courses/(?!v\d+/)([^/+?#]+[/+][^/+?#]+[/+][^/+?#]+)")
"""A key of three parts, joined by `+` or `/`; `/courses/v1/…` is an API's version, not a course."""
_KEY = re.compile(r"(?:course-v1|library-v1):([^+/\s]+)\+[^\s]+")
_OLD_KEY = re.compile(r"([^/+:\s]+)/[^/+\s]+/[^/+\s]+")


@lru_cache(maxsize=1_000)
def organisation(course_id: str) -> str:
    """Return the organisation a course's key begins with, or "" where it is no such key."""
    found = _KEY.fullmatch(course_id) or _OLD_KEY.fullmatch(course_id)
    return found[1] if found else ""


@lru_cache(maxsize=1_000)
def course_in(url: str) -> str:
    """Return the key of the course a page belongs to, or ""."""
    found = _IN_URL.search(url) or _IN_URL.search(unquote(url))
    return found[1] if found else ""
