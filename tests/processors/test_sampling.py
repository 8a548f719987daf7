"""Sampling: a share of people, always the same ones, with all of their events."""

from typing import Any

import pytest

from trackside.errors import ConfigurationError
from trackside.processors.exceptions import EventEmissionExit
from trackside.processors.google_analytics import GoogleAnalyticsProcessor
from trackside.processors.sampling import SamplingProcessor
from trackside.routing import RoutingBackend
from trackside.telemetry import catalogue


def kept(processor: SamplingProcessor, user: object, name: str = "n", **context: Any) -> bool:
    try:
        processor({"name": name, "context": {"user_id": user, **context}})
    except EventEmissionExit:
        return False
    return True


def test_about_the_share_asked_for_is_kept() -> None:
    processor = SamplingProcessor(0.25)
    assert 450 < sum(kept(processor, user) for user in range(2_000)) < 550


def test_the_choice_is_the_same_everywhere() -> None:
    """Pinned: processes, machines and releases have to agree."""
    assert [user for user in range(60) if kept(SamplingProcessor(0.1), user)] == [27, 40, 42, 55, 57, 59]


def test_a_greater_share_keeps_whoever_a_smaller_one_kept() -> None:
    some, more = SamplingProcessor(0.1), SamplingProcessor(0.2)
    assert all(kept(more, user) for user in range(500) if kept(some, user))


def test_another_salt_chooses_others() -> None:
    one = {user for user in range(500) if kept(SamplingProcessor(0.1), user)}
    other = {user for user in range(500) if kept(SamplingProcessor(0.1, salt="other"), user)}
    assert one != other


@pytest.mark.parametrize(("rate", "want"), [(0, False), (1, True)])
def test_none_and_all(rate: float, want: bool) -> None:
    assert {kept(SamplingProcessor(rate), user) for user in range(100)} == {want}


@pytest.mark.parametrize("user", [None, ""])
def test_an_event_without_the_field_goes_on(user: object) -> None:
    assert kept(SamplingProcessor(0), user)
    assert SamplingProcessor(0)({"name": "n"}) == {"name": "n"}
    assert SamplingProcessor(0)({"name": "n", "context": None}) == {"name": "n", "context": None}


def test_any_field_can_be_the_key() -> None:
    processor = SamplingProcessor(0.5, key="context.session")
    sessions = {kept(processor, user, session="one") for user in range(50)}
    assert len(sessions) == 1


def test_only_the_names_asked_for_are_sampled() -> None:
    processor = SamplingProcessor(0, names=["edx.video.*"])
    assert not kept(processor, 1, "edx.video.played")
    assert kept(processor, 1, "edx.course.x")


def test_what_is_left_out_is_counted() -> None:
    before = catalogue.EMITTED_DROPPED.value("sampled_out")
    RoutingBackend(processors=[SamplingProcessor(0)]).send({"name": "n", "context": {"user_id": 1}})
    assert catalogue.EMITTED_DROPPED.value("sampled_out") == before + 1


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_a_share_is_from_0_to_1(rate: float) -> None:
    with pytest.raises(ConfigurationError):
        SamplingProcessor(rate)


@pytest.mark.parametrize(
    ("course_id", "added"),
    [
        ("course-v1:edX+DemoX+2024", {"courserun_key": "course-v1:edX+DemoX+2024"}),
        ("edX/DemoX/2024", {"courserun_key": "edX/DemoX/2024"}),
        ("library-v1:edX+lib", {"courserun_key": "library-v1:edX+lib"}),
        ("ccx-v1:a+b+c+ccx@1", {"courserun_key": "ccx-v1:a+b+c+ccx@1"}),
        ("course-v1:a+b", {}),
        ("no course", {}),
        ("", {}),
    ],
)
def test_google_analytics_sees_the_course(course_id: str, added: dict[str, str]) -> None:
    given = {"name": "n", "context": {"course_id": course_id}}
    result = GoogleAnalyticsProcessor()(given)
    assert result == {**given, "label": course_id, **added, "nonInteraction": 1}
    assert "label" not in given


def test_google_analytics_without_a_course() -> None:
    assert GoogleAnalyticsProcessor()({"name": "n"}) == {"name": "n", "nonInteraction": 1}
