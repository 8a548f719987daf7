"""Hooks from a configuration file."""

import tomllib

from tests.webfilters.tools import ENROLLMENT, declare
from trackside.webfilters import Hook, read_hook, read_hooks

TOML = """
[shop]
point = "test.enrollment.requested"
url = "https://shop.example.org/may-enrol"
on_failure = "fail_closed"
timeout_s = 0.3
where = { "course_id" = ["course-v1:edX+*", "!*+Demo"] }
may_change = ["mode"]

[late]
point = "test.*"
url = "https://late.example.org/"
mode = "shadow"
"""


def test_tables_become_hooks() -> None:
    """Each with the table's name."""
    hooks, wrong = read_hooks(tomllib.loads(TOML))
    assert wrong == {}
    assert hooks[0] == Hook(
        name="shop",
        point=ENROLLMENT.name,
        url="https://shop.example.org/may-enrol",
        on_failure="fail_closed",
        timeout_s=0.3,
        where={"course_id": ("course-v1:edX+*", "!*+Demo")},
        may_change=("mode",),
    )
    assert (hooks[1].name, hooks[1].mode) == ("late", "shadow")


def test_all_that_is_wrong_is_told_and_good_hooks_are_good() -> None:
    """With the setting and what is wanted; no secret is in it."""
    declare("test.tables.no_halt", sends={"a": int})
    good = {"point": ENROLLMENT.name, "url": "https://x.example.org/"}
    hooks, wrong = read_hooks(
        {
            "good": good,
            "range": {**good, "timeout_s": 0, "modus": "off"},
            "missing": {"point": "x"},
            "paths": {**good, "may_change": ["user.email"], "secret": "whsec_SECRET"},
            "unknown point": {"point": "later.*", "url": "https://x.example.org/", "bearer_token": "a b"},
            "cannot": {
                "point": "test.tables.*",
                "url": "https://x.example.org/",
                "on_failure": "fail_closed",
            },
            "named": {**good, "name": "x"},
        }
    )
    assert [hook.name for hook in hooks] == ["good"]
    assert {name: [each.partition(" ")[0].rstrip(":") for each in told] for name, told in wrong.items()} == {
        "range": ["timeout_s", "modus"],
        "missing": ["url"],
        "paths": ["secret", "may_change"],
        "unknown point": ["headers"],
        "cannot": ["on_failure"],
        "named": ["name"],
    }
    assert "SECRET" not in str(wrong)


def test_a_text_may_stand_for_a_number_where_that_is_asked_for() -> None:
    """As in a variable of the environment."""
    table = {"point": ENROLLMENT.name, "url": "https://x.example.org/", "timeout_s": "0.3"}
    assert isinstance(read_hook("x", table), list)
    read = read_hook("x", table, strict=False)
    assert isinstance(read, Hook)
    assert read.timeout_s == 0.3
