"""What a question leaves behind: a record, an event, numbers."""

import json
from typing import Any

import pytest

from tests.webfilters.tools import (
    DATA,
    ENROLLMENT,
    START,
    Asked,
    PreventEnrollment,
    changes,
    fails,
    hook,
    says,
    stops,
)
from trackside.telemetry import catalogue
from trackside.testing import assert_emitted, capture_events
from trackside.tracker import get_tracker
from trackside.webfilters import ASKED, ChangesShown, EmittingAuditor, Question, Webfilters, event_data


def test_a_record_tells_the_whole_question() -> None:
    """Who was asked in which mode, what each said and how long it took, what came of it."""
    asked = Asked(
        hook("a", order=1),
        hook("b", order=2),
        hook("shy", kind="decider", mode="shadow"),
        a=changes(mode="verified", took_s=0.01),
        b=fails(took_s=0.02),
        shy=stops("x", took_s=0.03),
    )
    result = asked.ask()
    record = asked.last
    assert record.id == result.question_id == "question-1"
    assert (record.point, record.asked_at, record.budget_s) == (ENROLLMENT.name, START, 0.8)
    assert (record.decision, record.would_be, record.fail_open) == ("changed", "halted", True)
    assert record.duration_s == pytest.approx(0.06)
    assert [(each.path, each.value) for each in record.patch] == [("mode", "verified")]
    assert [(each.hook, each.mode, each.outcome, each.latency_s, each.status) for each in record.hooks] == [
        ("a", "enforce", "changed", 0.01, 200),
        ("b", "enforce", "failed", 0.02, None),
        ("shy", "shadow", "halted", 0.03, 200),
    ]
    assert [(each.fail_open, each.halts, each.exception) for each in record.hooks] == [
        (False, False, None),
        (True, False, None),
        (False, True, "PreventEnrollment"),
    ]


def test_a_halt_is_recorded_with_who_and_what() -> None:
    """Before it is raised."""
    asked = Asked(hook(), crm=stops("No"))
    assert isinstance(asked.stopped(), PreventEnrollment)
    assert (asked.last.decision, asked.last.exception, asked.last.halted_by) == (
        "halted",
        "PreventEnrollment",
        "crm",
    )


def test_the_same_data_has_the_same_hash() -> None:
    """By which questions are found that were asked alike; fields that are not sent do not matter."""
    asked = Asked(hook())
    for data in (DATA, {**DATA, "unsent": object()}, {**DATA, "mode": "x"}):
        asked.ask(data)
    first, second, third = (question.input_hash for question in asked.questions)
    assert first == second != third
    assert len(first) == 32


def test_values_are_redacted_or_not_recorded() -> None:
    """Secret fields, mail addresses and card numbers by default; all values where that is asked for."""
    context = {"api_key": "k", "mail": "ada@example.org", "tab": {"name": "x"}, "pin": {"a": 1}}
    asked = Asked(hook(), crm=changes(context=context))
    asked.ask()
    assert {each.path: each.value for each in asked.last.patch} == {
        "context.api_key": "********",
        "context.mail": "********",
        "context.tab.name": "x",
        "context.pin.a": "********",
    }
    quiet = Webfilters(
        [hook()], asker=asked.receivers, auditor=asked, changes_shown=ChangesShown(values=False)
    )
    quiet.ask(ENROLLMENT, DATA)
    assert all("value" not in each for each in event_data(asked.last)["patch"])
    assert "context.api_key" in {each.path for each in asked.last.patch}


def test_a_question_becomes_an_event() -> None:
    """trackside.webfilter.asked, through a tracker, as plain JSON."""
    with capture_events() as events:
        asked = Asked(hook(), crm=changes(mode="x"))
        webfilters = Webfilters([hook()], asker=asked.receivers, auditor=EmittingAuditor(get_tracker().emit))
        webfilters.ask(ENROLLMENT, DATA)
    event = assert_emitted(ASKED, {"point": ENROLLMENT.name, "decision": "changed"}, events=events)
    data = json.loads(json.dumps(event["data"], default=str))
    assert data["hooks"][0]["patch"] == [{"path": "mode", "value": "x"}]
    assert "ada@example.org" not in str(data)


def test_an_auditor_that_raises_stops_nobody() -> None:
    """It is logged and counted."""

    class Broken:
        def record(self, question: Question) -> None:
            raise OSError(question.id)

    before = catalogue.WEBFILTER_AUDIT_FAILURES.value()
    asked = Asked(hook(), crm=changes(mode="x"))
    webfilters = Webfilters([hook()], asker=asked.receivers, auditor=Broken())
    assert webfilters.ask(ENROLLMENT, DATA).changes == {"mode": "x"}
    assert catalogue.WEBFILTER_AUDIT_FAILURES.value() == before + 1


def test_numbers(caplog: pytest.LogCaptureFixture) -> None:
    """By point, by hook; nothing of a payload is logged."""
    names: dict[str, Any] = {
        "decided": lambda: catalogue.WEBFILTER_DECISIONS.value(ENROLLMENT.name, "halted"),
        "hook": lambda: catalogue.WEBFILTER_HOOKS.value("counted", "enforce", "failed"),
        "open": lambda: catalogue.WEBFILTER_FAIL_OPEN.value("counted"),
        "conflicts": lambda: catalogue.WEBFILTER_CONFLICTS.value(ENROLLMENT.name),
    }
    before = {name: value() for name, value in names.items()}
    asked = Asked(
        hook("counted", order=1),
        hook("b", order=2),
        hook("c", order=3),
        hook("d", order=4),
        counted=says(b"<html>"),
        b=changes(mode="1"),
        c=changes(mode="2"),
        d=stops(),
    )
    asked.stopped()
    assert {name: value() - before[name] for name, value in names.items()} == {
        "decided": 1,
        "hook": 1,
        "open": 1,
        "conflicts": 1,
    }
    assert caplog.records == []
