"""Who is left alone, and which answers count for a while."""

from typing import Any

import pytest

from tests.webfilters.tools import DATA, Asked, Clock, PreventEnrollment, changes, fails, hook, says, stops
from trackside.outbound.base import Answer, Fault, Outgoing
from trackside.telemetry import catalogue
from trackside.webfilters.memory import Memory


def test_the_same_question_is_not_asked_again_after_a_failure() -> None:
    """For two seconds by default; another question is asked."""
    asked = Asked(hook(), crm=[fails(Fault.TIMEOUT), changes(mode="x")])
    asked.ask()
    asked.clock.elapsed_s = 1.9
    assert asked.ask().changes == {}
    assert asked.last.hooks[0].cached
    assert asked.last.hooks[0].reason == "timeout: nobody is there"
    assert len(asked.receivers.requests) == 1
    asked.clock.elapsed_s = 2.0
    assert asked.ask().changes == {"mode": "x"}
    assert len(asked.receivers.requests) == 2


def test_other_data_is_another_question() -> None:
    """What is sent decides; the time and the id of the question do not."""
    asked = Asked(hook(fields=("mode",), cache_s=60), crm=changes(user={"first_name": "E"}))
    asked.ask()
    asked.ask({**DATA, "course_id": "another one, which is not sent"})
    assert len(asked.receivers.requests) == 1
    asked.ask({**DATA, "mode": "honor"})
    assert len(asked.receivers.requests) == 2


def test_decisions_count_as_long_as_the_hook_says() -> None:
    """Also those that stop; each time a new exception."""
    asked = Asked(hook(cache_s=60), crm=stops("No"))
    first, second = asked.stopped(), asked.stopped()
    assert isinstance(second, PreventEnrollment)
    assert first is not second
    assert (len(asked.receivers.requests), asked.last.hooks[0].cached) == (1, True)
    asked.clock.elapsed_s = 60
    asked.stopped()
    assert len(asked.receivers.requests) == 2


def test_by_default_each_question_is_asked() -> None:
    """An answer counts once."""
    asked = Asked(hook(), crm=changes(mode="x"))
    asked.ask()
    asked.ask()
    assert len(asked.receivers.requests) == 2


def test_answers_of_other_settings_do_not_count() -> None:
    """A changed hook is asked anew."""
    asked = Asked(hook(cache_s=60), crm=changes(mode="x"))
    asked.ask()
    asked.webfilters.use([hook(cache_s=60, may_change=("context",))])
    assert asked.ask().changes == {}
    assert len(asked.receivers.requests) == 2


def test_an_unusable_answer_counts_as_a_failure_does() -> None:
    """Not for the time of decisions."""
    asked = Asked(hook(cache_s=600), crm=says(b"<html>"))
    asked.ask()
    asked.ask()
    assert len(asked.receivers.requests) == 1
    asked.clock.elapsed_s = 2.0
    asked.ask()
    assert len(asked.receivers.requests) == 2


def test_memory_does_not_grow() -> None:
    """The ones used least go; a long answer is not kept at all."""
    clock = Clock()
    memory = Memory(clock.moments.monotonic, most=2)
    for name in ("a", "b"):
        memory.keep(name, says({}), 10)
    memory.recall("a")
    memory.keep("c", says({}), 10)
    memory.keep("long", says(b"x" * 5_000), 10)
    assert [memory.recall(name) is not None for name in ("a", "b", "c", "long")] == [True, False, True, False]


def ask_often(asked: Asked, times: int) -> None:
    for number in range(times):
        asked.ask({**DATA, "course_id": str(number)})


BROKEN_OFF = Answer(status=200, headers={}, body=b"{", truncated=True)


@pytest.mark.parametrize(
    "bad", [fails(), fails(Fault.TIMEOUT), says({}, status=503), says({}, status=429), BROKEN_OFF]
)
def test_a_receiver_that_fails_is_left_alone_then_tried_by_one_question(bad: Any) -> None:
    """After five failures; the first success opens it again."""
    asked = Asked(hook(failure_cache_s=0), crm=[bad] * 6 + [says({})])
    ask_often(asked, 9)
    assert len(asked.receivers.requests) == 5
    assert asked.last.hooks[0].reason == "it is left alone after failures"
    assert asked.last.fail_open
    assert catalogue.WEBFILTER_LEFT_ALONE.value("crm") == 1
    asked.clock.elapsed_s += 5.01
    ask_often(asked, 3)
    assert len(asked.receivers.requests) == 6
    asked.clock.elapsed_s += 10.1
    ask_often(asked, 3)
    assert len(asked.receivers.requests) == 9
    assert catalogue.WEBFILTER_LEFT_ALONE.value("crm") == 0


def test_one_question_at_a_time_tries_whether_it_is_back() -> None:
    """A question that comes while another one tries is not asked."""
    nested: list[Asked] = []

    def answer(_: Outgoing) -> Answer:
        asked = nested[0]
        if len(asked.receivers.requests) <= 5:
            return says({}, status=500)
        if len(asked.receivers.requests) == 6:
            asked.ask({**DATA, "mode": "another"})
            assert asked.last.hooks[0].reason == "it is being tried by another question"
        return says({})

    nested.append(Asked(hook(failure_cache_s=0), crm=answer))
    ask_often(nested[0], 5)
    nested[0].clock.elapsed_s += 5.01
    nested[0].ask()
    assert len(nested[0].receivers.requests) == 6


def test_hooks_of_one_receiver_share_what_is_known_of_it() -> None:
    """Its URL is what counts, and it outlives a change of settings."""
    url = "https://hooks.example.org/crm"
    asked = Asked(hook("a", url=url, failure_cache_s=0), crm=fails())
    ask_often(asked, 5)
    asked.webfilters.use([hook("b", url=url, failure_cache_s=0, on_failure="fail_closed")])
    assert isinstance(asked.stopped(), PreventEnrollment)
    assert len(asked.receivers.requests) == 5


@pytest.mark.parametrize(
    "reply", [says({}, status=403), says(b"<html>"), fails(Fault.LOCAL), fails(Fault.PROXY)]
)
def test_answers_and_our_own_faults_do_not_count_against_a_receiver(reply: Any) -> None:
    """It is there, or it was not asked."""
    asked = Asked(hook(failure_cache_s=0), crm=reply)
    ask_often(asked, 12)
    assert len(asked.receivers.requests) == 12


def test_a_receiver_that_was_given_little_time_is_not_to_blame() -> None:
    """The one before it used up the budget."""
    asked = Asked(
        hook("slow", order=1, timeout_s=0.7, failure_cache_s=0),
        hook("next", order=2, timeout_s=0.5, failure_cache_s=0),
        slow=says({}, took_s=0.69),
        next=says({}, took_s=0.3),
    )
    ask_often(asked, 8)
    assert asked.receivers.batches == [["slow"], ["next"]] * 8
    assert asked.last.hooks[1].outcome == "failed"


def test_a_receiver_that_never_answers_is_to_blame_although_the_budget_ends_first() -> None:
    """Its own time may be longer than any question lasts."""
    asked = Asked(hook(timeout_s=10, failure_cache_s=0), crm=fails(Fault.TIMEOUT, took_s=0.8))
    ask_often(asked, 7)
    assert len(asked.receivers.requests) == 5
