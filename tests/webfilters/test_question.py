"""Who is asked when, with what time, and which of the answers stays."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.webfilters.tools import (
    DATA,
    ENROLLMENT,
    Asked,
    PreventEnrollment,
    RenderInstead,
    changes,
    fails,
    hook,
    says,
    stops,
)
from trackside.outbound.base import Failed, Fault, Outgoing
from trackside.webfilters import FilterPoint, Hook, Rules
from trackside.webfilters.points import Unfit, withdraw


def test_each_changer_sees_what_those_before_it_changed() -> None:
    """The order is the explicit one, not that of the names."""
    asked = Asked(
        hook("a", order=2),
        hook("b", order=1),
        a=changes(user={"first_name": "Augusta"}),
        b=changes(mode="verified"),
    )
    result = asked.ask()
    assert asked.receivers.batches == [["b"], ["a"]]
    assert [body["mode"] for body in asked.bodies] == ["audit", "verified"]
    assert result.changes == {"mode": "verified", "user": {"first_name": "Augusta"}}
    assert result.data == {**DATA, "mode": "verified", "user": {**DATA["user"], "first_name": "Augusta"}}


def test_of_two_changes_to_one_field_the_last_one_stays_and_is_reported() -> None:
    """As the manual of openedx-webhooks has it; two fields of one object are both changed."""
    asked = Asked(
        hook("a", order=1),
        hook("b", order=2),
        a=changes(mode="honor", user={"first_name": "A"}),
        b=changes(mode="verified", user={"last_name": "B"}),
    )
    assert asked.ask().changes == {"mode": "verified", "user": {"first_name": "A", "last_name": "B"}}
    assert [(each.path, each.hooks) for each in asked.last.conflicts] == [("mode", ("a", "b"))]


def test_two_hooks_of_one_mind_are_no_conflict() -> None:
    """Nothing changes the second time."""
    asked = Asked(hook("a"), hook("b"), a=changes(mode="honor"), b=changes(mode="honor"))
    asked.ask()
    assert asked.last.conflicts == ()


def test_a_change_of_what_another_one_lies_in_is_a_conflict() -> None:
    """One changes context.tab.name, the other replaces context.tab."""
    asked = Asked(
        hook("a"), hook("b"), a=changes(context={"tab": {"name": "x"}}), b=changes(context={"tab": 5})
    )
    result = asked.ask()
    assert result.data["context"] == {"tab": 5, "list": [1, 2]}
    assert result.changes == {"context": {"tab": 5}}
    assert [(each.path, each.hooks) for each in asked.last.conflicts] == [("context.tab", ("a", "b"))]


@pytest.mark.parametrize("chained", [True, False])
def test_changes_that_do_not_go_together_fail_with_the_later_one(chained: bool) -> None:
    """The point judges what both come to, so that the policy of the later hook counts and the earlier change stays."""

    class Narrow(FilterPoint):
        """Takes one value at a time."""

        def judge(self, changes: Mapping[str, Any]) -> None:
            if len(changes["filter"]) > 1:
                raise Unfit("there are too many conditions")

    withdraw("test.narrow")
    point = Narrow("test.narrow", sends={"filter": dict}, changes={"filter": dict[str, Any]})
    receivers = Asked(
        hook("a", order=1, point=point.name),
        hook("b", order=2, point=point.name),
        rules=Rules(chained=chained),
        a=changes(filter={"mode": "audit"}),
        b=changes(filter={"org": "edX"}),
    )
    result = receivers.webfilters.ask(point, {"filter": {}})
    assert result.changes == {"filter": {"mode": "audit"}}
    assert [each.outcome for each in receivers.last.hooks] == ["changed", "failed"]


def test_all_see_the_original_side_by_side_where_the_rules_say_so() -> None:
    """The way of openedx-webhooks: the same data for everybody; here at the same time."""
    asked = Asked(
        hook("a", order=1),
        hook("b", order=2),
        rules=Rules(chained=False),
        a=changes(mode="honor"),
        b=changes(mode="verified"),
    )
    assert asked.ask().changes == {"mode": "verified"}
    assert asked.receivers.batches == [["a", "b"]]
    assert [body["mode"] for body in asked.bodies] == ["audit", "audit"]


def test_deciders_are_asked_together_after_all_changers() -> None:
    """They see what was changed, whatever their order, and change nothing themselves."""
    asked = Asked(
        hook("x", kind="decider", order=-5),
        hook("y", kind="decider", order=-4),
        hook("changer", order=9),
        changer=changes(mode="verified"),
        x=changes(mode="honor"),
    )
    assert asked.ask().changes == {"mode": "verified"}
    assert asked.receivers.batches == [["changer"], ["x", "y"]]
    assert [body["mode"] for body in asked.bodies] == ["audit", "verified", "verified"]


def test_the_first_in_order_that_stops_is_the_one_that_is_raised() -> None:
    """Of deciders that were asked together too; nothing is changed then."""
    asked = Asked(
        hook("late", kind="decider", order=2),
        hook("early", kind="decider", order=1),
        late=stops("late"),
        early=stops("early", name="RenderInstead"),
    )
    error = asked.stopped()
    assert isinstance(error, RenderInstead)
    assert asked.last.halted_by == "early"
    assert [each.outcome for each in asked.last.hooks] == ["halted", "halted"]


def test_nobody_is_asked_after_a_changer_that_stops() -> None:
    """What the others would say changes nothing any more."""
    asked = Asked(hook("a", order=1), hook("b", order=2), hook("c", kind="decider"), a=stops("No"))
    assert isinstance(asked.stopped(), PreventEnrollment)
    assert asked.receivers.batches == [["a"]]
    assert [each.outcome for each in asked.last.hooks] == ["halted", "skipped", "skipped"]


def test_nothing_is_changed_when_a_later_one_stops() -> None:
    """The data of the caller is his own all the time."""
    data: dict[str, Any] = {"user": {"first_name": "Ada"}, "mode": "audit"}
    asked = Asked(
        hook("a", order=1), hook("b", order=2), a=changes(mode="x", user={"first_name": "E"}), b=stops()
    )
    assert asked.stopped(data) is not None
    assert data == {"user": {"first_name": "Ada"}, "mode": "audit"}
    assert asked.last.patch == ()


def test_what_is_not_changed_is_the_very_object_that_was_given() -> None:
    """Also within an object in which something else was changed."""
    marks: dict[str, Any] = {}
    data = {"user": {"first_name": "Ada", "marks": marks}, "mode": "audit"}
    result = Asked(hook(), crm=changes(user={"first_name": "E"})).ask(data)
    assert result.data["user"]["marks"] is marks
    assert data["user"] == {"first_name": "Ada", "marks": {}}


def test_what_the_point_does_not_send_stays_here_and_comes_back() -> None:
    """Fields that nobody declared never leave."""
    token = object()
    asked = Asked(hook(), crm=changes(mode="x"))
    result = asked.ask({"mode": "audit", "request": token})
    assert set(asked.bodies[0]) == {"mode", "event_metadata"}
    assert result.data == {"mode": "x", "request": token}


def test_the_budget_is_for_all_together() -> None:
    """Each has its own time or what is left, and who has none left fails by its policy without being asked."""
    slow = says({}, took_s=0.45)
    asked = Asked(
        hook("a", order=1, timeout_s=0.5),
        hook("b", order=2, timeout_s=0.5),
        hook("c", order=3, timeout_s=0.5),
        hook("d", kind="decider"),
        a=slow,
        b=slow,
    )
    assert asked.ask().changes == {}
    assert asked.receivers.batches == [["a"], ["b"]]
    assert [round(each.timeout_s, 3) for each in asked.receivers.requests] == [0.5, 0.35]
    assert [each.outcome for each in asked.last.hooks] == ["passed", "failed", "failed", "failed"]
    assert [each.fail_open for each in asked.last.hooks] == [False, True, True, True]
    assert asked.last.duration_s == pytest.approx(0.8)


def test_a_used_up_budget_halts_for_who_fails_closed() -> None:
    """It is a failure as that nobody answered."""
    asked = Asked(
        hook("a", order=1, timeout_s=2.0),
        hook("b", order=2, halt_on_request_exception=True, redirect_on_request_exception="/later"),
        a=says({}, took_s=5.0),
    )
    error = asked.stopped()
    assert isinstance(error, PreventEnrollment)
    assert error.redirect_to == "/later"
    assert asked.last.halted_by == "b"
    assert asked.last.hooks[1].reason == "the budget of the question is used up"


def test_shadow_is_asked_and_recorded_and_not_obeyed() -> None:
    """Its changes are seen by nobody; the record has what would have been."""
    asked = Asked(
        hook("shy", order=1, mode="shadow"),
        hook("b", order=2),
        shy=changes(mode="paid"),
        b=changes(user={"first_name": "E"}),
    )
    assert asked.ask().changes == {"user": {"first_name": "E"}}
    assert [body["mode"] for body in asked.bodies] == ["audit", "audit"]
    shy = asked.last.hooks[0]
    assert (shy.hook, shy.outcome, [(each.path, each.value) for each in shy.patch]) == (
        "shy",
        "changed",
        [("mode", "paid")],
    )
    assert (asked.last.decision, asked.last.would_be) == ("changed", "changed")
    assert [each.path for each in asked.last.patch] == ["user.first_name"]


def test_shadow_takes_no_time_from_who_is_obeyed() -> None:
    """It is asked beside the deciders, about the data as it was in its place."""
    asked = Asked(
        hook("a", order=1),
        hook("shy", order=2, mode="shadow"),
        hook("b", order=3),
        a=changes(mode="1"),
        shy=stops("No"),
        b=changes(mode="2"),
    )
    assert asked.stopped() is None
    assert asked.receivers.batches == [["a"], ["b"], ["shy"]]
    assert [body["mode"] for body in asked.bodies] == ["audit", "1", "1"]
    assert (asked.last.decision, asked.last.would_be) == ("changed", "halted")


def test_a_share_of_the_questions_is_asked() -> None:
    """Chance decides; who is not asked has not failed, and a question to nobody leaves no record."""
    asked = Asked(hook(sample_share=0.25, on_failure="fail_closed"), crm=changes(mode="x"))
    asked.clock.chance = 0.25
    assert asked.ask().changes == {}
    assert asked.questions == []
    asked.clock.chance = 0.2499
    assert asked.ask().changes == {"mode": "x"}


@pytest.mark.parametrize(
    ("where", "is_asked"),
    [
        ({"course_id": "course-v1:edX+*"}, True),
        ({"course_id": ("course-v1:MIT+*", "*DemoX*")}, True),
        ({"course_id": "course-v1:MIT+*"}, False),
        ({"user.email": "!*@example.org"}, False),
        ({"user.id": "7", "mode": "audit"}, True),
        ({"user.org": "edX"}, False),
    ],
)
def test_where_is_looked_at_before_anybody_is_asked(where: dict[str, Any], is_asked: bool) -> None:
    """Also at fields that the hook itself is not sent."""
    asked = Asked(hook(where=where, fields=("mode",)))
    asked.ask()
    assert bool(asked.receivers.requests) == is_asked


def test_where_looks_at_what_changers_before_it_changed() -> None:
    """A condition is about the data in the hook's place."""
    asked = Asked(
        hook("a", order=1),
        hook("b", order=2, where={"mode": "verified"}),
        hook("c", order=3, where={"mode": "audit"}),
        a=changes(mode="verified"),
    )
    asked.ask()
    assert asked.receivers.batches == [["a"], ["b"]]


def test_an_asker_that_raises_or_loses_replies_is_a_failure_of_each_hook() -> None:
    """The platform sees only the policy."""

    class Broken:
        def __init__(self, *, loses: bool) -> None:
            self.loses = loses

        def ask(self, requests: Sequence[Outgoing], *, budget_s: float) -> list[Failed]:
            if self.loses:
                return []
            raise OSError("no sockets left")

    for loses in (True, False):
        for policy, halts in (("fail_open", False), ("fail_closed", True)):
            asked = Asked(hook(on_failure=policy), asker=Broken(loses=loses))
            assert (asked.stopped() is not None) == halts
            assert asked.last.hooks[0].outcome == "failed"


def test_a_hook_that_cannot_be_used_fails_by_its_policy() -> None:
    """A broken setting of a hook that decides must not let everybody pass."""
    broken = Hook(
        name="b",
        point="test.enrollment.*",
        url="https://x.example.org/",
        secret="nothing",
        on_failure="fail_closed",
    )
    asked = Asked(broken)
    assert isinstance(asked.stopped(), PreventEnrollment)
    assert asked.receivers.requests == []
    assert "secret" in str(asked.last.hooks[0].reason)


def test_data_that_cannot_be_sent_is_a_failure_of_each_hook() -> None:
    """Nobody is asked, nothing is raised but what is declared."""
    cyclic: dict[str, Any] = {}
    cyclic["self"] = cyclic
    for value in (cyclic, object(), "x" * 300_000, [[]] * 30_000):
        asked = Asked(hook("a"), hook("b", on_failure="fail_closed"))
        assert isinstance(asked.stopped({"context": value}), PreventEnrollment)
        assert asked.receivers.requests == []
        assert Asked(hook("a")).ask({"context": value}).data["context"] is value


class Odd:
    """An object of the platform's."""

    def __str__(self) -> str:
        raise RuntimeError


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None), max_size=10)
    | st.binary(max_size=10)
    | st.datetimes()
    | st.builds(Odd)
    | st.sampled_from([Odd, len, 10**400, b"\xff", range(3), {1, 2}, iter(())]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5) | st.integers() | st.none(), inner, max_size=3)
        | st.tuples(inner, inner)
    ),
    max_leaves=8,
)


@given(
    data=st.dictionaries(st.sampled_from([*ENROLLMENT.sends, "unsent"]), VALUES, max_size=4),
    form_encoding=st.booleans(),
    where=st.sampled_from([{}, {"context.a": "1*"}, {"context": "!x"}]),
)
def test_whatever_the_platform_passes_nothing_else_is_raised(
    data: dict[str, Any], form_encoding: bool, where: dict[str, Any]
) -> None:
    """What cannot be sent is a failure of the hooks; what is not changed comes back as it was."""
    asked = Asked(
        hook("a", form_encoding=form_encoding, where=where, fields=("context", "mode")), a=changes(mode="x")
    )
    result = asked.ask(data)
    assert all(result.data[name] is value for name, value in data.items() if name not in result.changes)


def test_hooks_of_several_points_by_a_glob() -> None:
    """One row for many questions."""
    asked = Asked(hook(point="test.*"), hook("other", point="elsewhere.*"))
    asked.ask()
    assert asked.receivers.batches == [["crm"]]


def test_failures_of_our_own_are_in_the_record() -> None:
    """A reason for operators, without the URL."""
    asked = Asked(hook(url="https://hooks.example.org/crm?token=SECRET"), crm=fails(Fault.TIMEOUT))
    asked.ask()
    assert asked.last.hooks[0].reason == "timeout: nobody is there"
    assert "SECRET" not in repr(asked.last)
