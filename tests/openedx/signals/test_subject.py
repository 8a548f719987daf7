"""Whom and which course a signal is about."""

import pytest

from trackside.openedx.signals.subject import course_of, user_of

COURSE = {"course_id": "course-v1:edX+D+1", "org_id": "edX"}


@pytest.mark.parametrize(
    ("data", "user"),
    [
        ({"user": {"id": 4, "pii": None}}, "4"),
        ({"enrollment": {"user": {"id": 4}, "created_by": {"id": 5}}}, "4"),
        ({"exam_attempt": {"student_user": {"id": 4}, "requesting_user": {"id": 5}}}, "4"),
        ({"grade": {"user_id": 4}}, "4"),
        ({"redemption": {"lms_user_id": 4}}, "4"),
        ({"notification_data": {"user_ids": [4]}}, "4"),
        ({"notification_data": {"user_ids": [4, 5]}}, None),
        ({"user": {"id": None, "pii": None}}, None),
        ({"grade": {"user_id": True}}, None),
        ({"grade": {"user_id": ""}}, None),
        ({"course": {"id": 4}}, None),
        ({"plain": 3}, None),
        ({}, None),
    ],
)
def test_users(data: dict[str, object], user: str | None) -> None:
    """The one the signal is about, not the one who did it; nobody where several are meant."""
    assert user_of(data) == user


@pytest.mark.parametrize(
    ("data", "course"),
    [
        ({"enrollment": {"course": {"course_key": "course-v1:edX+D+1"}}}, COURSE),
        ({"catalog_info": {"course_key": "course-v1:edX+D+1"}}, COURSE),
        ({"thread": {"course_id": "course-v1:edX+D+1"}}, COURSE),
        ({"xblock_info": {"usage_key": "block-v1:edX+D+1+type@problem+block@p"}}, COURSE),
        ({"content_object": {"object_id": "block-v1:edX+D+1+type@problem+block@p"}}, COURSE),
        ({"old": {"course_key": "edX/D/1"}}, {"course_id": "edX/D/1", "org_id": "edX"}),
        ({"library_block": {"usage_key": "lb:edX:lib:html:x"}}, {}),
        ({"score": {"course_id": "no course"}}, {}),
        ({"x": 1}, {}),
    ],
)
def test_courses(data: dict[str, object], course: dict[str, str]) -> None:
    """As the context of any other event names it."""
    assert course_of(data) == course
