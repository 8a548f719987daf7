"""Which course a page or an id belongs to."""

import sys
from types import ModuleType

import pytest

from trackside import courses
from trackside.courses import CourseName, parse_ourselves
from trackside.django.contexts import (
    context_dict_for_learning_context,
    course_context_from_course_id,
    course_context_from_url,
)

NONE = ("", "")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://x.org/courses/course-v1:edX+DemoX+2024/courseware/", ("course-v1:edX+DemoX+2024", "edX")),
        ("/courses/edX/DemoX/2024/info", ("edX/DemoX/2024", "edX")),
        ("/courses/edX/DemoX/2024?a=b", ("edX/DemoX/2024", "edX")),
        ("/a?next=/courses/course-v1:a+b+c", ("course-v1:a+b+c", "a")),
        ("/api/courses/v1/courses/course-v1:a+b+c/", ("course-v1:a+b+c", "a")),
        ("/api/courses/v2/blocks/x/y/", NONE),
        ("/courses/library-v1:o+l+x/", ("library-v1:o+l", "o")),
        ("/courses/", NONE),
        ("/courses/edX/DemoX", NONE),
        ("/dashboard", NONE),
        ("/courses/%00+b+c", NONE),
        ("", NONE),
        (None, NONE),
    ],
)
def test_the_course_of_a_page(url: str | None, expected: tuple[str, str]) -> None:
    found = course_context_from_url(url)
    assert (found["course_id"], found["org_id"]) == expected
    assert found["enterprise_uuid"] == ""


def test_a_course_that_is_told_beats_the_page() -> None:
    found = course_context_from_url("/courses/edX/DemoX/2024/", "course-v1:a+b+c")
    assert found["course_id"] == "course-v1:a+b+c"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("course-v1:edX+DemoX+2024", ("course-v1:edX+DemoX+2024", "edX")),
        ("course-v1:édX+b+c", ("course-v1:édX+b+c", "édX")),
        ("course-v1:a+b+c+branch@draft", ("course-v1:a+b+c+branch@draft", "a")),
        ("course-v1:a+b+c+type@x+block@y", ("course-v1:a+b+c", "a")),
        ("slashes:a+b+c", ("course-v1:a+b+c", "a")),
        ("library-v1:o+l", ("library-v1:o+l", "o")),
        ("edX/DemoX/2024", ("edX/DemoX/2024", "edX")),
        ("a%/b/c", ("a%/b/c", "a%")),
        ("lib:edX:x", None),
        ("course-v1:a+b", None),
        ("course-v1:a+b+c\n", None),
        ("course-v1:a b+b+c", None),
        ("course-v1:a+b+c+version@xx", None),
        ("x:y/b/c", None),
        ("a/b", None),
        ("i4x://a/b/c/d", None),
        ("", None),
        ("course-v1:" + "a" * 100_000, None),
    ],
)
def test_course_ids(text: str, expected: CourseName | None) -> None:
    assert parse_ourselves(text) == expected


@pytest.mark.parametrize("given", [None, "", "invalid", 7, ["x"], "course-v1:a+b"])
def test_what_is_no_course_id_is_no_course(given: object) -> None:
    assert course_context_from_course_id(given) == {"course_id": "", "org_id": "", "enterprise_uuid": ""}


def test_learning_contexts() -> None:
    """A library is a learning context, but no course."""
    assert context_dict_for_learning_context("course-v1:a+b+c")["course_id"] == "course-v1:a+b+c"
    assert context_dict_for_learning_context("lib:edX:x") == {
        "context_id": "lib:edX:x",
        "course_id": "",
        "org_id": "edX",
        "enterprise_uuid": "",
    }
    assert set(context_dict_for_learning_context(None).values()) == {""}


class _Key:
    org = "theirs"

    def __str__(self) -> str:
        return "canonical"

    @classmethod
    def from_string(cls, text: str) -> "_Key":
        if text == "bad":
            raise _InvalidKeyError
        return cls()


class _InvalidKeyError(Exception):
    pass


def test_the_hosts_own_keys_decide_where_it_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """opaque_keys knows kinds of keys that were added to it; it is asked where it is installed."""
    package, module = ModuleType("opaque_keys"), ModuleType("opaque_keys.edx.keys")
    package.InvalidKeyError = _InvalidKeyError  # type: ignore[attr-defined]
    module.CourseKey = _Key  # type: ignore[attr-defined]
    for name, each in (
        ("opaque_keys", package),
        ("opaque_keys.edx", package),
        ("opaque_keys.edx.keys", module),
    ):
        monkeypatch.setitem(sys.modules, name, each)
    courses._parser.cache_clear()
    courses.parse.cache_clear()
    try:
        assert courses.parse("ccx-v1:a+b+c+ccx@1") == ("canonical", "theirs")
        assert courses.parse("bad") is None
    finally:
        courses._parser.cache_clear()
        courses.parse.cache_clear()
