"""Whoever holds a database transaction open waits for nobody, unless somebody said so."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.webfilters.tools import (
    DATA,
    ENROLLMENT,
    Asked,
    PreventEnrollment,
    changes,
    declare,
    hook,
    stops,
)
from trackside.webfilters import FilterPoint, Rules, Webfilters
from trackside.webfilters.points import withdraw
from trackside.webfilters.transactions import NOT_ASKED, may_ask

WORDS = (None, True, False)


def within(asked: Asked, *hooks: Any, **more: Any) -> Webfilters:
    """Return webfilters whose caller holds a transaction open."""
    return Webfilters(
        hooks,
        asker=asked.receivers,
        auditor=asked,
        moments=asked.clock.moments,
        **{"in_transaction": lambda: True, **more},
    )


@pytest.fixture
def points() -> Iterator[dict[bool | None, FilterPoint]]:
    """Points by what their declaration says."""
    names = {word: f"test.transaction.{str(word).lower()}" for word in WORDS}
    yield {word: declare(name, ask_in_transaction=word) for word, name in names.items()}
    for name in names.values():
        withdraw(name)


@pytest.mark.parametrize("of_all", WORDS)
@pytest.mark.parametrize("declared", WORDS)
@pytest.mark.parametrize("said", WORDS)
@pytest.mark.parametrize("of_point", WORDS)
def test_the_first_word_counts(
    points: dict[bool | None, FilterPoint],
    of_point: bool | None,
    said: bool | None,
    declared: bool | None,
    of_all: bool | None,
) -> None:
    """The operator's of the point, the caller's, the point's own, the operator's of all points; nobody's is no."""
    point = points[declared]
    words = [word for word in (of_point, said, declared, of_all) if word is not None]
    rules_of = {point.name: Rules(ask_in_transaction=of_point)}
    found = may_ask(point, Rules(ask_in_transaction=of_all), rules_of, said=said)
    assert found is (words[0] if words else False)


def test_rules_of_a_point_for_other_things_say_nothing_of_it() -> None:
    asked = Asked(crm=changes(mode="x"))
    webfilters = within(
        asked,
        hook(),
        rules=Rules(ask_in_transaction=True),
        rules_of={ENROLLMENT.name: Rules(budget_s=2)},
    )
    assert webfilters.ask(ENROLLMENT, DATA).changes == {"mode": "x"}
    assert asked.receivers.budgets == [2]


@pytest.mark.parametrize(
    ("policy", "halts"),
    [
        ({}, False),
        ({"halt_on_4xx": True, "halt_on_5xx": True}, False),
        ({"on_failure": "fail_closed"}, True),
        ({"halt_on_request_exception": True}, True),
        ({"on_failure": "fail_closed", "mode": "shadow"}, False),
        ({"on_failure": "fail_closed", "where": {"mode": "verified"}}, False),
        ({"on_failure": "fail_closed", "sample_share": 0.0}, False),
    ],
)
def test_each_hook_fails_by_its_policy(policy: dict[str, Any], halts: bool) -> None:
    """As where its receiver is not reached; who would not have been asked anyway does not fail."""
    asked = Asked()
    webfilters = within(asked, hook(**policy))
    try:
        assert webfilters.ask(ENROLLMENT, DATA).data is DATA
        halted = False
    except PreventEnrollment:
        halted = True
    assert halted is halts
    assert asked.receivers.requests == []
    if asked.questions:
        [record] = asked.last.hooks
        assert (record.outcome, record.reason) == ("failed", NOT_ASKED)
        assert asked.last.in_transaction


def test_the_redirect_of_a_request_exception_is_taken() -> None:
    webfilters = within(Asked(), hook(halt_on_request_exception=True, redirect_on_request_exception="/later"))
    with pytest.raises(PreventEnrollment) as stopped:
        webfilters.ask(ENROLLMENT, DATA)
    assert stopped.value.redirect_to == "/later"


def test_in_shadow_nobody_is_asked_either() -> None:
    """The caller would wait for it as long; the record says what it would have come to."""
    asked = Asked(crm=stops())
    within(asked, hook(mode="shadow", on_failure="fail_closed")).ask(ENROLLMENT, DATA)
    assert asked.receivers.requests == []
    assert (asked.last.decision, asked.last.would_be) == ("passed", "halted")


def test_an_answer_that_is_remembered_counts() -> None:
    """For it nobody waits; that nobody was asked is not remembered."""
    asked = Asked(crm=changes(mode="x"))
    open_now = [True]
    webfilters = within(asked, hook(cache_s=60), in_transaction=lambda: open_now[0])
    assert webfilters.ask(ENROLLMENT, DATA).changes == {}
    open_now[0] = False
    assert webfilters.ask(ENROLLMENT, DATA).changes == {"mode": "x"}
    open_now[0] = True
    assert webfilters.ask(ENROLLMENT, DATA).changes == {"mode": "x"}
    assert len(asked.receivers.requests) == 1


def test_no_token_is_fetched_and_nothing_is_held_against_the_receiver() -> None:
    asked = Asked()
    webfilters = within(
        asked,
        hook(oauth_token_url="https://hooks.example.org/token", oauth_client_id="us"),
        failures_until_probing=1,
    )
    webfilters.ask(ENROLLMENT, DATA)
    assert asked.receivers.requests == []
    assert not webfilters.is_left_alone(hook().url)
