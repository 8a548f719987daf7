"""Every filter that the installed openedx-filters has, run for real with a webfilter at a real receiver."""

from typing import Any

import pytest

FILTERS = 43
"""Of openedx-filters 3.16.0."""
STEP = "trackside.openedx.filters.step.WebfilterStep"
UNHEARD = {"org.openedx.learning.course.unenrollment.started.v1"}
"""Filters whose argument is not what is changed of it: an enrolment, whose user is saved."""
Ran = dict[str, Any]


def test_each_is_a_point_with_its_step(all_run: Ran) -> None:
    """All there are, with one step each; none is known here by name."""
    assert len(all_run["installed"]) == FILTERS
    assert sorted(all_run["filters"]) == all_run["installed"] == sorted(all_run["steps"])
    assert all(steps == [STEP] for steps in all_run["steps"].values())


def test_an_idle_one_asks_nothing(all_run: Ran) -> None:
    """No query, whatever the arguments are; querysets are not evaluated, and profiles not looked up."""
    assert {name: each["queries"] for name, each in all_run["filters"].items() if each["queries"]} == {}


def test_each_reaches_a_webfilter(all_run: Ran) -> None:
    """With its type and its arguments."""
    for name, each in all_run["filters"].items():
        assert each["asked"] == name
        assert len(each["sent"]) > 1, name


def test_each_honours_data(all_run: Ran) -> None:
    """What an answer says is in what the platform gets back, or in the row that it has."""
    for name, each in all_run["filters"].items():
        assert each["said"], name
        changed = {what for what, value in each["after"].items() if each["before"][what] != value}
        assert changed or (name in UNHEARD and each["saved"] == "Changed"), name
        kept = {"user", *each["said"], *(("enrollments", "schedules") if "filter" in each["said"] else ())}
        assert changed <= kept, name
        if "user" in each["said"]:
            assert each["saved"] == "Changed", name


def test_what_is_honoured(all_run: Ran) -> None:
    """In the types that the platform has: keys, times, sets, forms, querysets; what was not named stays."""
    after = {name.removeprefix("org.openedx."): each["after"] for name, each in all_run["filters"].items()}
    assert after["learning.course.enrollment.started.v1"]["course_key"] == "course-v1:edX+Other+1"
    assert (
        after["learning.course.start_date.validation_failed.v1"]["start_date"] == "2031-05-06T07:08:09+00:00"
    )
    page = after["learning.dashboard.render.started.v1"]
    assert page["template_name"] == "host/other.html"
    assert page["context"]["title"] == "Changed"
    assert page["context"]["inner"] == {"text": "Changed", "is_staff": False, "activation_key": "secret-key"}
    assert page["context"]["object"] == "object"
    assert after["learning.student.registration.requested.v1"]["form_data"] == {
        "name": ["Changed"],
        "email": ["zoe@example.org"],
        "username": ["zoe"],
        "country": ["FR"],
        "extra": ["a", "b"],
        "password": ["not for others"],
    }
    assert after["learning.account.settings.read_only_fields.requested.v1"]["readonly_fields"] == [
        "email",
        "username",
    ]
    assert after["learning.course_enrollment_queryset.requested.v1"]["enrollments"] == [2]
    assert after["learning.schedule.queryset.requested.v1"]["schedules"] == []
    assert after["authentication.login.form.generated.v1"]["form_desc"] == {"country": {"default": "FR"}}
    assert (
        after["authentication.logistration_view.render.completed.v1"]["response"]["headers"]["X-Webfilter"]
        == "changed"
    )
    assert after["learning.certificate.creation.requested.v1"]["grade"] == {"percent": 0.75}
    assert after["learning.course_mode.price.requested.v1"]["price"] == 80


def test_each_raises_each_of_its_exceptions(all_run: Ran) -> None:
    """The filter's own class, with the message and the fields that the answer gave."""
    raised = [
        (filter_type, name, each)
        for filter_type, ran in all_run["filters"].items()
        for name, each in ran["exceptions"].items()
    ]
    assert len(raised) == 34
    for filter_type, name, each in raised:
        where = f"{filter_type} {name}"
        assert each["is"], where
        assert each["class"].endswith(f".{name}"), where
        assert each["text"] == f"Because of {name}", where
        if "content" in each["said"]:
            response = each["fields"]["response"]
            assert (response["status"], response["text"]) == (451, "<h1>Closed</h1>"), where
            continue
        for field, value in each["said"].items():
            assert each["fields"][field] == value, where


@pytest.mark.parametrize(
    "secret",
    [
        "hash-of-a-password",
        "secret-csrf",
        "secret-key",
        "secret-oauth",
        "secret-session",
        "a secret of",
        "not for",
    ],
)
def test_no_secret_leaves(all_run: Ran, secret: str) -> None:
    """At no filter: hashes, tokens of forms and of providers, links that activate accounts, cookies, passwords."""
    for name, each in all_run["filters"].items():
        assert secret not in str(each["body"]), name


def test_count_beside_openedx_webhooks(
    all_run: Ran, there: dict[str, int], capsys: pytest.CaptureFixture[str]
) -> None:
    """The same filters, run in an environment with openedx-webhooks."""
    ours = sum(each["asked"] is not None for each in all_run["filters"].values())
    with capsys.disabled():
        print(
            f"\nfilters that reach a receiver: Trackside {ours}, openedx-webhooks {there['reached']},"
            f" of {there['filters']}"
        )
    assert there["filters"] == ours == FILTERS
    assert there["reached"] < 30
