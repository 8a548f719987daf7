"""Hooks whose receivers want a token of OAuth 2."""

from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.webfilters.tools import DATA, ENROLLMENT, Asked, changes, fails, header, hook, says
from trackside.outbound.base import Answer, Failed, Fault
from trackside.webfilters import problems

OAUTH: dict[str, Any] = {
    "oauth_token_url": "https://login.example.org/token",
    "oauth_client_id": "lms",
    "oauth_client_secret": "secret",
    "oauth_scope": "ask",
}


def token(name: str = "t1", *, life_s: int = 3_600, took_s: float = 0.0) -> Answer:
    """Return the answer of a token's server."""
    return says({"access_token": name, "token_type": "Bearer", "expires_in": life_s}, took_s=took_s)


def test_a_token_is_fetched_once_and_sent_with_each_question() -> None:
    """Until shortly before it expires; whatever other settings of the hook change."""
    asked = Asked(hook(**OAUTH), token=[token("t1", life_s=600), token("t2")], crm=changes(mode="x"))
    assert asked.ask().changes == {"mode": "x"}
    asked.webfilters.use([hook(order=5, **OAUTH)])
    asked.ask()
    assert asked.receivers.batches == [["token"], ["crm"], ["crm"]]
    fetch, first, _ = asked.receivers.requests
    assert parse_qs(fetch.body.decode()) == {"grant_type": ["client_credentials"], "scope": ["ask"]}
    assert header(first, "authorization") == "Bearer t1"
    asked.clock.elapsed_s = 541
    asked.ask()
    assert header(asked.receivers.requests[-1], "authorization") == "Bearer t2"


def test_a_token_costs_the_time_of_the_question() -> None:
    """What is left of the budget is for the receiver."""
    asked = Asked(hook(timeout_s=0.6, **OAUTH), token=token(took_s=0.5), crm=says({}, took_s=0.4))
    asked.ask()
    assert asked.last.hooks[0].outcome == "failed"
    assert asked.last.duration_s == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("reply", "switch"),
    [
        (fails(), "request_exception"),
        (fails(Fault.TIMEOUT), "request_exception"),
        (says(b"<html>"), "request_exception"),
        (says({}, status=401), "4xx"),
        (says({}, status=503), "5xx"),
    ],
)
def test_no_token_is_a_failure_of_the_hook(reply: Answer | Failed, switch: str) -> None:
    """The receiver is not asked; the token's server is asked again after five seconds."""
    settings: dict[str, Any] = {f"halt_on_{switch}": True, "cache_s": 600, **OAUTH}
    asked = Asked(hook(**settings), token=[reply, token()])
    assert asked.stopped() is not None
    asked.clock.elapsed_s += 4.9
    assert asked.stopped({**DATA, "mode": "other"}) is not None
    assert asked.receivers.batches == [["token"]]
    asked.clock.elapsed_s += 0.2
    assert asked.stopped() is None
    assert asked.receivers.batches == [["token"], ["token"], ["crm"]]


def test_a_token_that_is_refused_is_had_anew_for_the_next_question() -> None:
    """Not while it has just been given out: who refuses every token costs no fetch each time."""
    asked = Asked(
        hook(failure_cache_s=0, **OAUTH), token=[token("t1"), token("t2")], crm=says({}, status=401)
    )
    asked.ask()
    asked.ask()
    assert asked.receivers.batches == [["token"], ["crm"], ["crm"]]
    asked.clock.elapsed_s += 5
    asked.ask()
    asked.ask()
    assert header(asked.receivers.requests[-1], "authorization") == "Bearer t2"


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"oauth_token_url": "ftp://x"}, "oauth: token_url is not to be asked"),
        ({"oauth_token_url": "https://x.example.org/"}, "oauth: client_id is empty"),
        ({**OAUTH, "bearer_token": "b"}, "headers: bearer_token and oauth_token_url are given"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any], what: str) -> None:
    """Told before the hook is asked."""
    [problem] = problems(hook(**settings), ENROLLMENT)
    assert problem.startswith(what)
