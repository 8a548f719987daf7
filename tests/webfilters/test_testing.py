"""What a platform's own tests declare instead of asking anybody."""

import pytest

from tests.webfilters.tools import DATA, ENROLLMENT, PreventEnrollment, fails, says
from trackside.testing import assert_asked, assert_not_asked, webfilter_answers
from trackside.webfilters import installed, webfilter


def test_an_answer_changes_data() -> None:
    """It is read as a receiver's is."""
    before = installed()
    with webfilter_answers({ENROLLMENT.name: {"data": {"mode": "verified"}}}) as asked:
        assert webfilter(ENROLLMENT, data=DATA).data["mode"] == "verified"
    assert_asked(ENROLLMENT.name, {"mode": "audit", "course_id": DATA["course_id"]}, asked=asked, times=1)
    assert_not_asked(ENROLLMENT.name, {"mode": "honor"}, asked=asked)
    assert installed() is before


def test_an_answer_stops() -> None:
    """Or depends on what is sent, or is none."""
    full = {"exception": {"PreventEnrollment": "Full"}}
    with webfilter_answers({ENROLLMENT.name: full}), pytest.raises(PreventEnrollment, match="Full"):
        webfilter(ENROLLMENT, data=DATA)
    with webfilter_answers({ENROLLMENT.name: lambda data: {"data": {"mode": data["mode"] + "!"}}}):
        assert webfilter(ENROLLMENT, data=DATA).data["mode"] == "audit!"
    for reply in (fails(), says(b"<html>", status=502)):
        with webfilter_answers({ENROLLMENT.name: reply}):
            assert webfilter(ENROLLMENT, data=DATA).changes == {}


def test_a_test_that_asks_in_vain_fails() -> None:
    """With what was asked instead."""
    with webfilter_answers({ENROLLMENT.name: {}}) as asked:
        webfilter(ENROLLMENT, data={"mode": "audit"})
    with pytest.raises(AssertionError, match=r"no question .*'honor'.*asked: .*'audit'"):
        assert_asked(ENROLLMENT.name, {"mode": "honor"}, asked=asked)
    with pytest.raises(AssertionError, match="1 instead of 2"):
        assert_asked(ENROLLMENT.name, asked=asked, times=2)
    with (
        pytest.raises(LookupError, match="no filter point 'enrolment'"),
        webfilter_answers({"enrolment": {}}),
    ):
        pass


def test_an_answer_nobody_can_use_fails_the_test() -> None:
    """A mistyped path must not look like a hook that says nothing."""
    with (
        pytest.raises(AssertionError, match=r"user\.name may not be changed"),
        webfilter_answers({ENROLLMENT.name: {"data": {"user": {"name": "x"}}}}),
    ):
        webfilter(ENROLLMENT, data=DATA)


def test_data_of_another_type_than_declared_fails_the_test() -> None:
    """A receiver relies on the declaration."""
    with (
        pytest.raises(AssertionError, match="course_id of another type"),
        webfilter_answers({ENROLLMENT.name: {}}),
    ):
        webfilter(ENROLLMENT, data={"course_id": ["not", "a", "text"]})
