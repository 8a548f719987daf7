"""A platform with one question, receivers that answer from a script, and a clock that is turned by hand."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from trackside.outbound.base import Answer, Failed, Fault, Outgoing
from trackside.webfilters import (
    Asker,
    Filtered,
    FilterPoint,
    Hook,
    Question,
    RedirectUrl,
    Rules,
    Stops,
    Webfilters,
)
from trackside.webfilters.moments import Moments
from trackside.webfilters.points import withdraw

START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
Reply = Answer | Failed
Script = Reply | Sequence[Reply] | Callable[[Outgoing], Reply]


class PreventEnrollment(Exception):  # noqa: N818  # named as Open edX names them
    """What the platform raises where somebody must not be enrolled."""

    def __init__(self, message: str, redirect_to: str | None = None, status_code: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.redirect_to = redirect_to
        self.status_code = status_code


class RenderInstead(Exception):  # noqa: N818
    """Another exception of the same point."""


def declare(name: str, **parts: Any) -> FilterPoint:
    """Return a new point; one of that name declared by another test goes."""
    withdraw(name)
    return FilterPoint(name, **{"sends": {}, **parts})


ENROLLMENT = declare(
    "test.enrollment.requested",
    sentence="A learner is about to be enrolled.",
    sends={
        "user": dict[str, Any],
        "course_id": str,
        "mode": str,
        "expires": datetime | None,
        "context": dict,
    },
    changes={
        "mode": str,
        "user.first_name": str,
        "user.last_name": str,
        "expires": datetime | None,
        "context": dict[str, Any],
    },
    exceptions={
        "PreventEnrollment": Stops(
            PreventEnrollment, fields={"redirect_to": RedirectUrl | None, "status_code": int}
        ),
        "RenderInstead": RenderInstead,
    },
)
DATA: Mapping[str, Any] = {
    "user": {"id": 7, "first_name": "Ada", "last_name": "L", "email": "ada@example.org"},
    "course_id": "course-v1:edX+DemoX+1",
    "mode": "audit",
    "context": {"tab": "home", "list": [1, 2]},
}


class Clock:
    """Time that passes when somebody is asked, or when a test says so."""

    def __init__(self) -> None:
        self.elapsed_s = 0.0
        self.chance = 0.5
        self._ids = 0

    @property
    def moments(self) -> Moments:
        """The clocks of webfilters."""
        return Moments(
            now=lambda: START + timedelta(seconds=self.elapsed_s),
            monotonic=lambda: self.elapsed_s,
            random=lambda: self.chance,
            new_id=self._new_id,
        )

    def _new_id(self) -> str:
        self._ids += 1
        return f"question-{self._ids}"


class Receivers:
    """An asker: keeps what was sent, in which company, and answers by the URL's last part."""

    def __init__(self, clock: Clock, scripts: Mapping[str, Script]) -> None:
        self.requests: list[Outgoing] = []
        self.batches: list[list[str]] = []
        self.budgets: list[float] = []
        self._clock = clock
        self._scripts: dict[str, Any] = {
            name: [*script] if isinstance(script, list | tuple) else script
            for name, script in scripts.items()
        }

    def ask(self, requests: Sequence[Outgoing], *, budget_s: float) -> list[Reply]:
        """Answer; the slowest one says how much time passes, and who is slower than he may be is too late."""
        self.batches.append([name_of(request) for request in requests])
        self.budgets.append(budget_s)
        self.requests += requests
        replies = [self._reply(request, budget_s) for request in requests]
        self._clock.elapsed_s += max(reply.duration_s for reply in replies)
        return replies

    def _reply(self, request: Outgoing, budget_s: float) -> Reply:
        script = self._scripts.get(name_of(request), says({}))
        if isinstance(script, list):
            script = script.pop(0) if len(script) > 1 else script[0]
        reply: Reply = script(request) if callable(script) else script
        most_s = min(request.timeout_s, budget_s)
        if reply.duration_s > most_s:
            return Failed(fault=Fault.TIMEOUT, detail="too late", duration_s=most_s)
        return reply


class Asked:
    """What a test's platform has: hooks, and what they were asked."""

    def __init__(
        self,
        *hooks: Hook,
        rules: Rules | None = None,
        clock: Clock | None = None,
        asker: Asker | None = None,
        **scripts: Script,
    ) -> None:
        self.clock = clock or Clock()
        self.receivers = Receivers(self.clock, scripts)
        self.questions: list[Question] = []
        self.webfilters = Webfilters(
            hooks, asker=asker or self.receivers, auditor=self, rules=rules, moments=self.clock.moments
        )

    def record(self, question: Question) -> None:
        """Keep the record."""
        self.questions.append(question)

    def ask(self, data: Mapping[str, Any] = DATA, point: FilterPoint | str = ENROLLMENT) -> Filtered:
        """Return what came of a question."""
        return self.webfilters.ask(point, data)

    def stopped(
        self, data: Mapping[str, Any] = DATA, point: FilterPoint | str = ENROLLMENT
    ) -> Exception | None:
        """Return the exception of a question, or None where the platform goes on; any other exception is raised."""
        try:
            self.ask(data, point)
        except (PreventEnrollment, RenderInstead) as error:
            return error
        return None

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """What was sent, in order, as JSON."""
        return [json.loads(request.body) for request in self.receivers.requests]

    @property
    def last(self) -> Question:
        """The last record."""
        return self.questions[-1]


def hook(name: str = "crm", **settings: Any) -> Hook:
    """Return a hook of the point; its receiver is the one of its name."""
    return Hook(
        **{"name": name, "point": ENROLLMENT.name, "url": f"https://hooks.example.org/{name}", **settings}
    )


def says(
    body: object = None, *, status: int = 200, took_s: float = 0.0, headers: Mapping[str, str] | None = None
) -> Answer:
    """Return an answer: bytes as they are, anything else as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status=status, headers=dict(headers or {}), body=content, duration_s=took_s)


def changes(took_s: float = 0.0, **data: Any) -> Answer:
    """Return an answer that changes data."""
    return says({"data": data}, took_s=took_s)


def stops(said: object = "No", *, name: str = "PreventEnrollment", **more: Any) -> Answer:
    """Return an answer that stops."""
    return says({"exception": {name: said}}, **more)


def fails(fault: Fault = Fault.UNREACHABLE, *, took_s: float = 0.0) -> Failed:
    """Return that there is no answer."""
    return Failed(fault=fault, detail="nobody is there", duration_s=took_s)


def name_of(request: Outgoing) -> str:
    """Return the last part of a URL's path."""
    return request.url.rpartition("/")[2].partition("?")[0]


def header(request: Outgoing, name: str) -> str | None:
    """Return a header of a request."""
    return next((value for key, value in request.headers if key.lower() == name), None)
