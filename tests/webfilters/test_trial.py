"""A hook tried out: asked as a question would ask it, with an example, and without consequences."""

from datetime import datetime
from typing import Annotated, Any, Literal, TypedDict

import pytest

from tests.webfilters.tools import (
    ENROLLMENT,
    Asked,
    Clock,
    Receivers,
    changes,
    declare,
    fails,
    hook,
    says,
    stops,
)
from trackside.telemetry import catalogue
from trackside.webfilters import Question, install, installed, stand_by, try_out, webfilter
from trackside.webfilters import webfilters as module
from trackside.webfilters.examples import example_of


class Person(TypedDict):
    """A type with names."""

    name: str
    age: int


def tried(script: Any, **settings: Any) -> tuple[Question, Receivers]:
    clock = Clock()
    receivers = Receivers(clock, {"crm": script})
    return try_out(hook(**settings), ENROLLMENT, asker=receivers, moments=clock.moments), receivers


@pytest.mark.parametrize(
    ("script", "decision", "outcome"),
    [
        (says({}), "passed", "passed"),
        (changes(mode="honor"), "changed", "changed"),
        (stops(), "halted", "halted"),
        (fails(), "passed", "failed"),
    ],
)
def test_it_tells_what_would_have_come_of_it(script: Any, decision: str, outcome: str) -> None:
    """Whatever mode, share and `where` the hook has, and also where it is not enabled."""
    before = catalogue.WEBFILTER_DECISIONS.value(ENROLLMENT.name, decision)
    question, receivers = tried(
        script, mode="shadow", enabled=False, sample_share=0.0, where={"mode": "never"}, cache_s=60
    )
    assert (question.decision, question.hooks[0].outcome) == (decision, outcome)
    assert len(receivers.requests) == 1
    assert question.id.startswith("test-")
    assert catalogue.WEBFILTER_DECISIONS.value(ENROLLMENT.name, decision) == before


def test_its_time_is_the_hook_s() -> None:
    """Not that of a question's budget, which others may have used up."""
    question, receivers = tried(says({}), timeout_s=3.0)
    assert (question.budget_s, receivers.budgets) == (3.0, [3.0])


def test_data_that_cannot_be_sent_is_told() -> None:
    question = try_out(hook(), ENROLLMENT, asker=Receivers(Clock(), {}), data={"mode": object()})
    assert question.hooks[0].reason == "the data has values that JSON does not have"


def test_an_example_is_made_of_the_types_where_the_point_gives_none() -> None:
    """And of what the point gives; what it does not send is left out."""
    point = declare(
        "test.examples",
        sends={
            "text": str,
            "choice": Literal["b", "a"],
            "maybe": int | None,
            "noted": Annotated[bool, "x"],
            "at": datetime,
            "list": list[str],
            "any": Any,
            "person": Person,
            "given": dict[str, Any],
        },
        example={"given": {"x": 1}, "other": 2},
    )
    example = example_of(point)
    assert example.pop("at").tzinfo is not None
    assert example == {
        "text": "example",
        "choice": "b",
        "maybe": 1,
        "noted": True,
        "list": [],
        "any": None,
        "person": {"name": "example", "age": 1},
        "given": {"x": 1},
    }


def test_who_stands_by_is_asked_where_nothing_is_installed() -> None:
    """And is not what is installed: a host's own hooks do not look like those that code has put there."""
    standing, code = Asked(hook(), crm=changes(mode="a")), Asked(hook(), crm=changes(mode="b"))
    before, stood_by = install(None), module._standing_by
    stand_by(standing.webfilters)
    try:
        assert installed() is None
        assert webfilter(ENROLLMENT, {"mode": "x"}).changes == {"mode": "a"}
        assert install(code.webfilters) is None
        assert webfilter(ENROLLMENT, {"mode": "x"}).changes == {"mode": "b"}
        stand_by(None)
        assert installed() is code.webfilters
        assert install(None) is code.webfilters
        assert webfilter(ENROLLMENT, {"mode": "x"}).changes == {}
    finally:
        stand_by(stood_by)
        install(before)
