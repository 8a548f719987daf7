"""Answers of outside services, declared in a test; nobody is asked.

from trackside.testing import assert_asked, webfilter_answers

with webfilter_answers({"enrollment.requested": {"exception": {"PreventEnrollment": "Full"}}}) as asked:
response = client.post("/enroll", …)
assert_asked("enrollment.requested", {"course_id": "course-v1:edX+DemoX+1"}, asked=asked)
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from msgspec import Struct

from trackside.outbound.base import Answer, Failed, Outgoing
from trackside.webfilters import POINTS, Hook, Question, install
from trackside.webfilters.points import METADATA, FilterPoint
from trackside.webfilters.webfilters import asked_now

Reply = Mapping[str, Any] | Answer | Failed
"""What a receiver answers: a JSON object with 200, or an answer as it is, or that there is none."""
Said = Reply | Callable[[dict[str, Any]], Reply]
"""A reply, or what makes one from the data that is sent."""


class AskedQuestion(Struct, frozen=True):
    """One question that would have been sent."""

    point: str
    data: dict[str, Any]
    """What the receiver gets: plain JSON values."""


class _Receivers:
    """Keeps the contracts of an asker and of an auditor, and what was wrong on the way."""

    def __init__(self, answers: Mapping[str, Said]) -> None:
        self.asked: list[AskedQuestion] = []
        self.problems: list[str] = []
        self._answers = answers

    def ask(self, requests: Sequence[Outgoing], *, budget_s: float) -> Sequence[Answer | Failed]:
        return [self._reply(request) for request in requests]

    def record(self, question: Question) -> None:
        said = self._answers[question.point]
        if isinstance(said, Answer | Failed) or callable(said):
            return  # a test of what a bad answer does
        self.problems += [
            f"the answer for {question.point} cannot be used: {hook.reason}"
            for hook in question.hooks
            if hook.outcome == "failed"
        ]

    def _reply(self, request: Outgoing) -> Answer | Failed:
        data: dict[str, Any] = msgspec.json.decode(request.body)
        name = data.pop(METADATA)["event_type"]
        self.asked.append(AskedQuestion(name, data))
        self.problems += _of_other_types(POINTS[name], data)
        said = self._answers[name]
        reply = said(data) if callable(said) else said
        if isinstance(reply, Answer | Failed):
            return reply
        return Answer(status=200, headers={}, body=msgspec.json.encode(reply))


@contextmanager
def webfilter_answers(answers: Mapping[str, Said]) -> Iterator[list[AskedQuestion]]:
    """Answer the questions of these points in the block, by name, and collect what was asked.

    Other points have no hooks meanwhile. Where the project itself would ask nobody, because a database transaction is
    open and nobody said that it may, nobody is asked here either, which is an answer that could not be used.
    Raises AssertionError at the end where data was of another type than its point declares, or an answer given as an
    object could not be used; LookupError for a point that is not declared.
    """
    for name in answers:
        if name not in POINTS:
            raise LookupError(f"there is no filter point {name!r}; declared are: {', '.join(sorted(POINTS))}")
    receivers = _Receivers(answers)
    hooks = [
        Hook(
            name=f"answer of {name}",
            point=name,
            url="http://receiver.test/",
            redact_fields=(),
            failure_cache_s=0,
        )
        for name in answers
    ]
    ours = asked_now().in_their_place(hooks, asker=receivers, auditor=receivers, budget_s=3_600)
    before = install(ours)
    try:
        yield receivers.asked
    finally:
        install(before)
    if receivers.problems:
        raise AssertionError("; ".join(receivers.problems))


def assert_asked(
    point: str,
    data: Mapping[str, Any] | None = None,
    *,
    asked: Iterable[AskedQuestion],
    times: int | None = None,
) -> None:
    """Raise AssertionError, with what was asked instead, where no question of this point holds at least `data`.

    Where `times` is given there have to be exactly so many.
    """
    questions = list(asked)
    found = [each for each in questions if each.point == point and _holds(each.data, data or {})]
    if not found if times is None else len(found) != times:
        wanted = "no question" if times is None else f"{len(found)} instead of {times} questions"
        listed = ", ".join(f"{each.point} {each.data!r}" for each in questions) or "nothing"
        about = f" with {dict(data)!r}" if data else ""
        raise AssertionError(f"{wanted} {point!r}{about}; asked: {listed}")


def assert_not_asked(
    point: str, data: Mapping[str, Any] | None = None, *, asked: Iterable[AskedQuestion]
) -> None:
    """Raise AssertionError where a question of this point holds at least `data`."""
    assert_asked(point, data, asked=asked, times=0)


def _holds(actual: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return all(name in actual and actual[name] == value for name, value in wanted.items())


def _of_other_types(point: FilterPoint, data: Mapping[str, Any]) -> Iterator[str]:
    for name, value in data.items():
        try:
            msgspec.convert(value, point.sends[name], strict=False)
        except msgspec.ValidationError as error:
            yield f"{point.name} was asked with {name} of another type than it declares: {error}"
